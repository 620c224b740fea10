# tools/sweep: a grid of trainings, a table, a comparison.
load train_fixture

setup() {
    use_own_directory
    export BIN=$(dirname "$TRAIN")
    SWEEP=$(realpath "$BATS_TEST_DIRNAME/../tools/sweep")
    POLICY=$(realpath "$BATS_TEST_DIRNAME/../cfg/compare.conf")
    make_tiny
}

GRID=(tiny.cfg net.seed=1,2 input_dropout.probability=0,0.3)
QUICK=(--epochs 1 --quiet --threads 1)

refused() { # fragment of the message, then the arguments
    local fragment=$1
    shift
    run --separate-stderr "$SWEEP" "$@"
    echo "$stderr"
    [ $status -eq 2 ]
    one_line "$stderr"
    [[ $stderr == sweep:*"$fragment"* ]]
    [ ! -e runs ]
}

@test "a grid is listed without being trained" {
    run --separate-stderr "$SWEEP" "${GRID[@]}" --dry-run
    [ $status -eq 0 ]
    [ "${lines[0]}" = '4 runs in runs/tiny_sweep:' ]
    [ ${#lines[@]} -eq 5 ]
    [[ ${lines[2]} =~ ^\ +net.seed=1_input_dropout.probability=0.3\ +new$ ]]
    [ ! -e runs ]
}

@test "each run of a grid is a run of its cfg, and the table has its figures" {
    "$SWEEP" "${GRID[@]}" net.warmup=0.5 --no-compare -- "${QUICK[@]}"
    cd runs/tiny_sweep
    [ "$(find . -name final.weights | wc -l)" -eq 4 ]
    name=net.seed=2_input_dropout.probability=0.3_net.warmup=0.5
    diff <(sed 's/^seed=3/seed=2/; s/^probability=0.2/probability=0.3/; s/^\[net\]/&\nwarmup=0.5/' ../../tiny.cfg) \
        $name.cfg
    grep -qx probability=0.1 $name.cfg # of [dropout]
    (cd ../.. && "$TRAIN" runs/tiny_sweep/$name.cfg "${QUICK[@]}" --out alone)
    same_result ../../alone $name
    head=net.seed,input_dropout.probability,net.warmup,status,epochs,loss,train_accuracy,test_loss,test_accuracy
    [ "$(head -n 1 sweep.csv)" = $head,images_per_second,seconds ]
    [ "$(wc -l <sweep.csv)" -eq 5 ]
    row=$(tail -n 1 sweep.csv)
    [ "${row%,*,*}" = "2,0.3,0.5,finished,$(tail -n 1 $name/summary.csv | cut -d, -f1-5)" ]
}

@test "interrupted at any time, a sweep goes on with the same command" {
    make_data 3072
    "$SWEEP" tiny.cfg net.seed=1,2,3 --no-compare --out whole -- --epochs 2 --quiet --threads 1
    for _ in $(seq 10); do # until it is the second one that is stopped
        rm -rf parts
        stop_midway TERM parts '[ -e parts/net.seed=2/manifest.json ]' \
            "$SWEEP" tiny.cfg net.seed=1,2,3 --no-compare --out parts -- --epochs 2 --quiet --threads 1
        [ -e parts/net.seed=2/final.weights ] || break
    done
    cat err.txt
    grep -q '^sweep: interrupted; continue with: .*net.seed=1,2,3' err.txt
    [ -e parts/net.seed=2/checkpoint.bin ] && [ ! -e parts/net.seed=2/final.weights ] && [ ! -e parts/net.seed=3 ]
    grep -q '"status": "interrupted"' parts/net.seed=2/manifest.json
    "$SWEEP" tiny.cfg net.seed=1,2,3 --no-compare --out parts -- --epochs 2 --quiet --threads 1
    for run in net.seed=1 net.seed=2 net.seed=3; do
        same_result whole/$run parts/$run
    done
    # once more: everything is finished, nothing changes
    before=$(sha256sum parts/*/final.weights)
    "$SWEEP" tiny.cfg net.seed=1,2,3 --no-compare --out parts -- --epochs 2 --quiet --threads 1
    [ "$(sha256sum parts/*/final.weights)" = "$before" ]
    # other options are not those that it was begun with
    run "$SWEEP" tiny.cfg net.seed=1,2,3 --no-compare --out parts -- --epochs 3 --quiet --threads 1
    [ $status -eq 2 ]
}

@test "killed outright, a sweep leaves no training behind" {
    make_data 3072
    "$SWEEP" tiny.cfg net.seed=1 --no-compare --out killed -- --epochs 100000 --quiet --threads 1 3>&- &
    sweep=$!
    wait_for killed/net.seed=1/summary.csv
    training=$(pgrep -P $sweep -x train)
    kill -KILL $sweep
    wait $sweep || true
    for _ in $(seq 600); do # half a minute
        flock -n killed/net.seed=1/lock true && break
        sleep 0.05
    done
    status=0
    flock -n killed/net.seed=1/lock true || status=$?
    [ $status -eq 0 ] || kill -KILL "$training"
    [ $status -eq 0 ]
    grep -q '"status": "interrupted"' killed/net.seed=1/manifest.json
    [ -s killed/net.seed=1/checkpoint.bin ]
}

@test "a sweep waits for the training of a killed one to end" {
    "$SWEEP" tiny.cfg net.seed=1 --no-compare --out waits -- "${QUICK[@]}"
    flock waits/net.seed=1/lock sleep 4 3>&- & # longer than train itself waits
    wait_until '! flock -n waits/net.seed=1/lock true'
    "$SWEEP" tiny.cfg net.seed=1 --no-compare --out waits -- "${QUICK[@]}"
    grep -q '^1,finished,' waits/sweep.csv
}

@test "a run that fails does not stop the others, and is told of" {
    run --separate-stderr "$SWEEP" tiny.cfg net.learning_rate=1000,0.05 --no-compare -- "${QUICK[@]}"
    echo "$output" "$stderr"
    [ $status -eq 3 ]
    grep -q '^sweep: net.learning_rate=1000 failed' <<<"$stderr"
    [ -e runs/tiny_sweep/net.learning_rate=0.05/final.weights ]
    [ "$(sed -n 2p runs/tiny_sweep/sweep.csv)" = 1000,failed,,,,,,, ]
    [[ $(sed -n 3p runs/tiny_sweep/sweep.csv) == 0.05,finished,1,* ]]
}

@test "it ends in one comparison with the first run" {
    # long enough that both are sure of some pictures: the questions about subsets ask for 99 %
    "$SWEEP" tiny.cfg net.seed=1,2 -- --epochs 20 --quiet --threads 1 -- --policy "$POLICY" --images 24 --quiet
    [ -s runs/tiny_sweep/compare/compare.html ]
    grep -q 'net.seed=2' runs/tiny_sweep/compare/compare.html
}

@test "settings that cannot be are refused before anything is trained" {
    refused 'nothing to vary' tiny.cfg
    refused 'nowhere.cfg: there is no such file' nowhere.cfg net.seed=1
    refused 'one cfg at a time' tiny.cfg other.cfg net.seed=1
    refused 'seed: not a key' tiny.cfg seed=1,2
    refused 'net.seed=: not a list' tiny.cfg net.seed=
    refused 'net.seed=1,,2: not a list' tiny.cfg net.seed=1,,2
    refused 'net.seed=1,$(touch x): not a list' tiny.cfg 'net.seed=1,$(touch x)'
    refused 'net.seed=1;2: not a list' tiny.cfg 'net.seed=1;2'
    refused 'a value stands twice' tiny.cfg net.seed=1,1
    refused 'net.seed: is given twice' tiny.cfg net.seed=1 net.seed=2
    refused 'has no [ensemble]' tiny.cfg ensemble.members=2,3
    refused 'more than one [convolutional]' tiny.cfg convolutional.filters=8,16
    refused 'unknown option --dryrun' tiny.cfg net.seed=1 --dryrun
    refused '--out needs a value' tiny.cfg net.seed=1 --out
    refused '--resume: sweep itself decides' tiny.cfg net.seed=1,2 -- --resume
    refused "unknown key 'sed' in [net]" tiny.cfg net.sed=1,2
    refused 'probability=1.5 is not a number' tiny.cfg input_dropout.probability=0,1.5
    refused 'unknown option --epoch' tiny.cfg net.seed=1,2 -- --epoch 3
    [ ! -e x ]
    "$SWEEP" tiny.cfg net.seed=1 --no-compare --out begun -- "${QUICK[@]}"
    sed -i s/filters=16/filters=8/ tiny.cfg
    refused 'begun/net.seed=1.cfg: is not what tiny.cfg gives now' tiny.cfg net.seed=1 --out begun
}

@test "two sweeps do not work in one directory" {
    mkdir -p runs/tiny_sweep
    exec 8>runs/tiny_sweep/sweep.lock
    flock 8
    run --separate-stderr "$SWEEP" "${GRID[@]}" 8>&-
    [ $status -eq 3 ]
    [[ $stderr == *'another sweep is at work there'* ]]
}
