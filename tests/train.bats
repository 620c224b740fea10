# What bin/train promises to its user.
load train_fixture

setup() {
    use_own_directory
    make_tiny
}

train() {
    "$TRAIN" "$@" --quiet --threads 2
}

# How often the dynamic loader touches libdarknet while a command runs.
darknet_loads() {
    LD_DEBUG=files "$@" 2>&1 | grep -c libdarknet
}

# Loading libdarknet takes longer than everything else these do; tools/bench times them.
@test "help and version answer without loading libdarknet" {
    for program in "$TRAIN" "$VALIDATE"; do
        [ "$(darknet_loads "$program" --help)" -eq 0 ]
        [ "$(darknet_loads "$program" --version)" -eq 0 ]
        "$program" --version | grep -q "^$(basename "$program") (Marginalia) ."
    done
    [ "$(darknet_loads "$TRAIN" tiny.cfg --dry-run)" -gt 0 ]
}

# The long options in stdin, one per line.
option_names() {
    tr -d '\\' | grep -oE -- '(^|[ ",])--[a-z]+(-[a-z]+)*' | tr -d ' ",' | sort -u
}

@test "the man page names exactly the options of --help" {
    "$TRAIN" --help | grep -E '^ +(-[a-z], )?--' | option_names >help.txt
    grep -E '^\.BI? ' "$BATS_TEST_DIRNAME/../docs/man/marginalia-train.1" | option_names >page.txt
    [ -s help.txt ]
    diff help.txt page.txt
}

@test "an unknown option is refused with a hint" {
    run --separate-stderr "$TRAIN" tiny.cfg --epoch 3
    [ $status -eq 2 ]
    one_line "$stderr"
    [[ $stderr == "train: unknown option --epoch; did you mean --epochs?" ]]
}

@test "a dry run prints settings, layers and memory, needs no data and leaves nothing" {
    sed -i 's/dataset=.*/dataset=absent.conf/' tiny.cfg
    cat >absent.conf <<'END'
format = "cifar10"; name = "absent"; directory = "nowhere"; shape = [3, 32, 32];
mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];
END
    run --separate-stderr "$TRAIN" tiny.cfg --dry-run --seed 77 --epochs 9
    [ ! -e runs ]
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    grep -qx seed=77 <<<"$output"
    grep -qx epochs=9 <<<"$output"
    grep -q convolutional <<<"$output"
    grep -q 'estimated memory' <<<"$output"
    grep -q 'data set not available: nowhere' <<<"$output"
}

@test "a run leaves its files, and the manifest says what it was" {
    train tiny.cfg
    for f in final.weights best.weights resolved.cfg manifest.json train.jsonl summary.csv curve.svg checkpoint.bin; do
        [ -s runs/tiny/$f ]
    done
    [ -z "$(find runs/tiny -name '*tfevents*')" ]
    [ "$(wc -l <runs/tiny/train.jsonl)" -eq 2 ]
    for key in epoch loss train_accuracy test_accuracy learning_rate images_per_second seconds images; do
        [ "$(grep -c "\"$key\":" runs/tiny/train.jsonl)" -eq 2 ]
    done
    [ "$(wc -l <runs/tiny/summary.csv)" -eq 3 ]
    m=runs/tiny/manifest.json
    grep -q '"status": "finished"' $m
    grep -q '"seed": 3' $m
    grep -q '"threads": 2' $m
    grep -q "\"sha256\": \"$(sha256sum <runs/tiny/final.weights | cut -d' ' -f1)\"" $m
    grep -q "\"sha256\": \"$(sha256sum <tiny.cfg | cut -d' ' -f1)\"" $m
    grep -q "\"resolved_sha256\": \"$(sha256sum <runs/tiny/resolved.cfg | cut -d' ' -f1)\"" $m
    grep -q '"test_accuracy_low"' $m
    ! grep -q "$(hostname)" $m
}

@test "resolved.cfg is a cfg that trains the same network" {
    train tiny.cfg --seed 9 --out a
    train a/resolved.cfg --out b
    same_result a b
    cmp a/resolved.cfg b/resolved.cfg
}

@test "the same command gives the same bytes, another seed gives others" {
    train tiny.cfg --out a
    train tiny.cfg --out b
    same_result a b
    train tiny.cfg --out c --seed 4
    ! cmp -s a/final.weights c/final.weights
}

@test "accuracy with input dropout off, with 1 and with 8 draws is in summary and manifest" {
    run train tiny.cfg
    grep -q '^test accuracy  ' <<<"$output"
    grep -q 'input dropout, 1 draw ' <<<"$output"
    grep -q 'input dropout, 8 draws' <<<"$output"
    [ "$(grep -c '"samples":' runs/tiny/manifest.json)" -eq 2 ]
    run train tiny.cfg --test-samples 3 --overwrite
    grep -q 'input dropout, 3 draws' <<<"$output"
    [ "$(grep -c '"samples":' runs/tiny/manifest.json)" -eq 1 ]
}

@test "an existing run is neither overwritten nor continued unasked" {
    train tiny.cfg
    before=$(cat runs/tiny/* | sha256sum)
    run --separate-stderr "$TRAIN" tiny.cfg
    [ $status -eq 2 ]
    one_line "$stderr"
    [[ $stderr == "train: runs/tiny: already exists; --resume continues that run, --overwrite replaces it, "* ]]
    [ "$(cat runs/tiny/* | sha256sum)" = "$before" ]
    run train tiny.cfg --resume
    [ $status -eq 0 ]
    [[ $output == *"is finished"* ]]
    [ "$(cat runs/tiny/* | sha256sum)" = "$before" ]
}

@test "overwrite replaces a run and keeps files that are not ours" {
    train tiny.cfg
    echo mine >runs/tiny/notes.txt
    train tiny.cfg --overwrite --epochs 1
    [ "$(cat runs/tiny/notes.txt)" = mine ]
    [ "$(wc -l <runs/tiny/train.jsonl)" -eq 1 ]
}

# Starts a run that will not end by itself soon, and waits for its first checkpoint.
start_long_run() {
    env --default-signal=INT,TERM "$TRAIN" tiny.cfg --threads 2 --quiet --checkpoint-every 0 --epochs 100000 \
        --out long 2>long.err 3>&- & # 3: bats waits for who holds it
    long=$!
    wait_for long/checkpoint.bin $long
}

@test "two trainings cannot share a run directory" {
    start_long_run
    run --separate-stderr "$TRAIN" tiny.cfg --out long --overwrite
    kill -KILL $long
    [ $status -eq 3 ]
    one_line "$stderr"
    [[ $stderr == *"another training is writing to this directory"* ]]
    [ -s long/checkpoint.bin ]
}

@test "Ctrl-C and SIGTERM write a checkpoint, exit 75 and tell how to continue" {
    for signal in INT TERM; do
        start_long_run
        kill -$signal $long
        await $long
        [ $status -eq 75 ]
        one_line "$(cat long.err)"
        grep -q "^train: interrupted in epoch .*; continue with: .*/train tiny.cfg .* --out long --resume$" long.err
        grep -q '"status": "interrupted"' long/manifest.json
        rm -rf long
    done
}

@test "the command that an interrupted run prints ends like a run without the stop" {
    options=(tiny.cfg --threads 2 --quiet --checkpoint-every 0 --epochs 30)
    stop_midway INT 'a run' '[ -e "a run/checkpoint.bin" ]' "$TRAIN" "${options[@]}" --out 'a run'
    eval "$(sed 's/.*continue with: //' err.txt)"
    "$TRAIN" "${options[@]}" --out whole
    same_result 'a run' whole
}

@test "resume refuses other settings and names them" {
    start_long_run
    kill -INT $long
    await $long
    run --separate-stderr "$TRAIN" tiny.cfg --out long --resume --epochs 100000 --seed 8
    [ $status -eq 2 ]
    one_line "$stderr"
    [[ $stderr == *'`seed=3`, now it is `seed=8`'* ]]
    sed -i 's/seed = 5/seed = 6/' tiny.conf
    run --separate-stderr "$TRAIN" tiny.cfg --out long --resume --epochs 100000
    [ $status -eq 2 ]
    [[ $stderr == *'`data_sha256='* ]]
    [ -s long/checkpoint.bin ]
}

@test "resume without a checkpoint starts from the beginning" {
    mkdir run
    : >run/lock
    train tiny.cfg --out run --resume
    train tiny.cfg --out whole
    same_result run whole
}

@test "Darknet's log line, to the letter, one per batch" {
    "$TRAIN" tiny.cfg --darknet-log 2>err.txt | grep ' images$' >log.txt
    [ ! -s err.txt ]
    [ "$(wc -l <log.txt)" -eq 32 ]
    n='[0-9]+\.[0-9]{6}'
    [ "$(grep -cE "^[0-9]+, [0-9]+\.[0-9]{3}: $n, $n avg, $n rate, $n seconds, [0-9]+ images$" log.txt)" -eq 32 ]
    [[ "$(tail -n 1 log.txt)" == "32, 2.000: "*" 512 images" ]]
}

@test "Darknet's log goes on after a resume as if nothing had happened" {
    options=(tiny.cfg --epochs 30 --darknet-log --checkpoint-batches 5)
    "$TRAIN" "${options[@]}" --out whole | grep ' images$' | sed 's/rate, .* seconds/rate/' >whole.txt
    stop_midway KILL run '[ -e run/checkpoint.bin ]' "$TRAIN" "${options[@]}" --out run
    "$TRAIN" "${options[@]}" --out run --resume | grep ' images$' | sed 's/rate, .* seconds/rate/' >rest.txt
    [ -s rest.txt ]
    [ "$(wc -l <rest.txt)" -lt "$(wc -l <whole.txt)" ]
    diff rest.txt <(tail -n "$(wc -l <rest.txt)" whole.txt)
}

@test "without a terminal the progress is plain lines on stderr, quiet has none" {
    run --separate-stderr "$TRAIN" tiny.cfg
    [[ $stderr == *"epoch 1: loss "* ]]
    [[ $stderr == *"epoch 2: loss "* ]]
    [[ $stderr != *$'\r'* && $stderr != *$'\e'* ]]
    run --separate-stderr "$TRAIN" tiny.cfg --overwrite --quiet
    [ -z "$stderr" ]
}

@test "stopping after some batches keeps the learning rate of the whole training" {
    "$TRAIN" tiny.cfg --darknet-log --out whole | grep ' images$' | sed 's/rate, .* seconds/rate/' >whole.txt
    "$TRAIN" tiny.cfg --darknet-log --out part --batches 20 | grep ' images$' | sed 's/rate, .* seconds/rate/' >part.txt
    [ "$(wc -l <part.txt)" -eq 20 ]
    head -n 20 whole.txt | cut -d, -f1,3- | diff - <(cut -d, -f1,3- part.txt)
    [ "$(wc -l <part/train.jsonl)" -eq 2 ]
    grep -q '"images":64}' part/train.jsonl
}

@test "limits use the first images of each split" {
    train tiny.cfg --limit-train 64 --limit-test 32
    grep -q '"images":64}' runs/tiny/train.jsonl
    grep -q '"test_images": 32' runs/tiny/manifest.json
}

@test "weights to start from are used, and a resume needs the same ones" {
    train tiny.cfg --out first
    train tiny.cfg --weights first/final.weights --out second
    ! cmp -s first/final.weights second/final.weights
    grep -q "\"initial_weights_sha256\": \"$(sha256sum <first/final.weights | cut -d' ' -f1)\"" second/manifest.json
    run --separate-stderr "$TRAIN" tiny.cfg --out second --resume
    [ $status -eq 2 ]
    [[ $stderr == *'`weights_sha256='* ]]
}

@test "TensorBoard's file is written on request" {
    train tiny.cfg --tensorboard
    [ "$(grep -c brain.Event:2 runs/tiny/events.out.tfevents.marginalia)" -eq 1 ]
    grep -q accuracy/test runs/tiny/events.out.tfevents.marginalia
}

@test "a stock export is written after training, and without training from weights" {
    run train tiny.cfg --export-stock stock
    [ $status -eq 0 ]
    [[ $output == *"darknet classifier predict stock/tiny.data stock/tiny.cfg stock/tiny.weights IMAGE"* ]]
    run train tiny.cfg --weights runs/tiny/final.weights --export-stock again
    [ $status -eq 0 ]
    cmp stock/tiny.weights again/tiny.weights
    cmp stock/tiny.cfg again/tiny.cfg
}

@test "a full standard output is an error" {
    [ -w /dev/full ] || skip "no /dev/full"
    run --separate-stderr bash -c '"$0" tiny.cfg --quiet >/dev/full' "$TRAIN"
    [ $status -eq 3 ]
    [[ $stderr == "train: standard output: "* ]]
}

@test "--kernels says who runs convolutions, and so does the environment" {
    cat >tiny.cfg <<'END'
[net]
batch=4
height=8
width=8
channels=3
epochs=1
[convolutional]
filters=16
size=3
pad=1
activation=relu
[convolutional]
filters=16
size=3
pad=1
activation=relu
[avgpool]
[connected]
output=6
activation=linear
[softmax]
END
    "$TRAIN" tiny.cfg --dry-run >auto.txt
    "$TRAIN" tiny.cfg --dry-run --kernels onednn >onednn.txt
    grep -q 'x forward  *own winograd' auto.txt
    grep -q '^engine:.*, own kernels' auto.txt
    grep -q 'x forward  *onednn' onednn.txt
    grep -q '^engine:.*, no own kernels' onednn.txt
    [ "$(grep -c 'own winograd' onednn.txt)" -eq 0 ]
    MARGINALIA_KERNELS=onednn "$TRAIN" tiny.cfg --dry-run | diff - onednn.txt
    run --separate-stderr env MARGINALIA_KERNELS=mine "$TRAIN" tiny.cfg --dry-run
    [ $status -eq 2 ]
    [[ $stderr == "train: MARGINALIA_KERNELS=mine: not accepted; must be one of auto|onednn|own" ]]
}
