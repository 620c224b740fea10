# Ensembles: what bin/train makes of a cfg with [ensemble], of its members one by one, and of runs that are there.
load train_fixture

setup() {
    use_own_directory
    make_tiny 64
    make_ensemble 3
}

# ens.cfg: tiny.cfg with [ensemble]. $1: members
make_ensemble() {
    { cat tiny.cfg; printf '\n[ensemble]\nmembers=%s\n' "$1"; } >ens.cfg
}

train() {
    "$TRAIN" "$@" --quiet --threads 2
}

hash_of() {
    sha256sum <"$1" | cut -d' ' -f1
}

# Ensemble $1 ended as ensemble $2 did.
same_ensemble() {
    local k
    for k in 1 2 3; do
        same_result "$1/member_$k" "$2/member_$k" || return
    done
    cmp "$1/ensemble.conf" "$2/ensemble.conf" &&
        diff <(sed -n '/"results"/,$p' "$1/manifest.json") <(sed -n '/"results"/,$p' "$2/manifest.json")
}

# Starts the training of ensemble $1 and waits until all members have begun; fails when it has ended.
start_long_run() {
    local k
    rm -rf "$1"
    env --default-signal=INT,TERM "$TRAIN" ens.cfg --threads 2 --jobs 3 --quiet --checkpoint-every 0 --epochs 40 \
        --limit-train 48 --out "$1" >out.txt 2>err.txt 3>&- & # 3: bats waits for who holds it
    long=$!
    for k in 1 2 3; do
        wait_for "$1/member_$k/checkpoint.bin" $long || return
    done
    kill -0 $long 2>/dev/null
}

# Sends signal $1 to the training of ensemble run while all of its members are at work. Begins anew as often as one of
# them came to its end before; $status is how the training ended, $children were its members.
stop_all() {
    for _ in $(seq 10); do
        if start_long_run run; then
            children=$(children_of $long) || true
            kill -$1 $long || true
        fi
        await $long
        none_runs $children
        [ "$(grep -l '"status": "interrupted"' run/member_[123]/manifest.json | wc -l)" -lt 3 ] || return 0
    done
    cat err.txt run/member_?.log
    return 1
}

children_of() {
    ps -o pid= --ppid "$1"
}

none_runs() { # PID...: waits until it is true
    local pids
    pids=$(IFS=,; echo "$*")
    [ -z "$pids" ] || wait_until "! ps -p $pids >/dev/null"
}

# ---- all members ----

@test "the members are the runs of their seeds, byte for byte, and the ensemble says who they are" {
    run --separate-stderr "$TRAIN" ens.cfg --threads 2
    [ $status -eq 0 ]
    [ -z "$(grep -v '^member [123] of 3 is trained$\|^epochs\|^test of' <<<"$stderr")" ]
    for k in 1 2 3; do
        train tiny.cfg --seed $((k + 2)) --out "one$k"
        same_result "runs/ens/member_$k" "one$k"
        cmp "runs/ens/member_$k/resolved.cfg" "one$k/resolved.cfg"
        grep -q "run = \"member_$k\"; weights_sha256 = \"$(hash_of "one$k/final.weights")\"" runs/ens/ensemble.conf
        grep -q "^test accuracy, member $k (seed $((k + 2))) .*95 % interval" <<<"$output"
        [ -s "runs/ens/member_$k.log" ]
    done
    grep -q '^combine = "logit";$' runs/ens/ensemble.conf
    grep -q '^test accuracy, ensemble (mean of logits) .*95 % interval' <<<"$output"
    tail -n 3 runs/ens/resolved.cfg | diff - <(printf '[ensemble]\nmembers=3\ncombine=logit\n')
    grep -q '"status": "finished"' runs/ens/manifest.json
    [ "$(grep -c '"test_accuracy_low"' runs/ens/manifest.json)" -eq 4 ]
}

@test "the seed of the command line is that of the first member" {
    train ens.cfg --seed 40 --epochs 1
    for k in 1 2 3; do
        grep -qx "seed=$((39 + k))" runs/ens/member_$k/resolved.cfg
        grep -qx "epochs=1" runs/ens/member_$k/resolved.cfg
    done
    grep -qx seed=40 runs/ens/resolved.cfg
}

# The processors that each process in $@ may use, one line each.
cpus_of() {
    local pid
    for pid; do sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null; done
}

@test "as many members at a time as asked, and they share threads and processors" {
    make_ensemble 4
    processors=$(($(nproc) < 2 ? 1 : 2))
    for _ in $(seq 10); do # again when it was too fast to be seen
        rm -rf runs cpus
        "$TRAIN" ens.cfg --quiet --jobs 2 --threads 2 --epochs 12 >out.txt 3>&- &
        parent=$!
        most=0
        while kill -0 $parent 2>/dev/null; do
            children=$(children_of $parent) || true
            now=$(wc -w <<<"$children")
            [ "$now" -le "$most" ] || most=$now
            cpus_of $children >>cpus || true
            sleep 0.02
        done
        await $parent
        [ $status -eq 0 ]
        seen=$(grep -x '[0-9]*' cpus | sort -u | wc -l)
        [ "$most" -lt 2 ] || [ "$seen" -lt $processors ] || break
    done
    [ "$most" -eq 2 ]
    [ $processors -eq 1 ] || [ "$seen" -eq 2 ]
    [ "$(grep -l '"threads": 1' runs/ens/member_?/manifest.json | wc -l)" -eq 4 ]
    "$TRAIN" ens.cfg --quiet --jobs 1 --threads 2 --epochs 1 --out one
    [ "$(grep -l '"threads": 2' one/member_?/manifest.json | wc -l)" -eq 4 ]
}

@test "the options reach the members" {
    precision=f32 # bf16 needs AVX-512
    if "$TRAIN" ens.cfg --dry-run --precision bf16 >/dev/null 2>&1; then precision=bf16; fi
    train ens.cfg --limit-train 32 --limit-test 16 --epochs 1 --tensorboard --view border:2 --test-samples 3 \
        --without 1/2 --precision $precision --checkpoint-batches 3 --checkpoint-every 0.5
    m=runs/ens/member_2/manifest.json
    grep -q '"train_images": 16' $m
    grep -q '"test_images": 16' $m
    grep -q '"left_out": "1/2"' $m
    grep -q '"view": "border:2' $m
    grep -q '"samples": 3' $m
    grep -q "\"precision\": \"$precision\"" $m
    grep -q -- '"--checkpoint-batches=3"' $m
    grep -q -- '"--checkpoint-every=0.5"' $m
    [ -s runs/ens/member_2/events.out.tfevents.marginalia ]
}

@test "a dry run tells of the members and leaves nothing" {
    run "$TRAIN" ens.cfg --dry-run --threads 2
    [ $status -eq 0 ]
    [ ! -e runs ]
    grep -q '^ensemble: 3 members with seeds 3 to 5, combined by the mean of their logits; 2 at a time, 1 thread each$' \
        <<<"$output"
}

# ---- stopped, killed, failed ----

@test "stopped by a signal all members write checkpoints, and the printed command ends like a run without the stop" {
    stop_all TERM
    [ $status -eq 75 ]
    one_line "$(cat err.txt)"
    grep -q '^train: interrupted; continue with: .*/train ens.cfg .* --out run --resume$' err.txt
    grep -q '"status": "interrupted"' run/manifest.json
    [ ! -e run/ensemble.conf ]
    for k in 1 2 3; do
        grep -q '"status": "interrupted"' run/member_$k/manifest.json
        [ "$(grep -c '^train: interrupted' run/member_$k.log)" -eq 1 ]
    done
    eval "$(sed 's/.*continue with: //' err.txt)"
    eval "$(sed 's/.*continue with: //; s/--out run --resume/--out whole/' err.txt)"
    same_ensemble run whole
}

@test "killed, it leaves no members behind, and ends like a run without the kill" {
    stop_all KILL
    [ $status -eq 137 ]
    [ "$(wc -w <<<"$children")" -eq 3 ]
    [ "$(grep -l '^train: interrupted' run/member_?.log | wc -l)" -eq 3 ]
    "$TRAIN" ens.cfg --threads 2 --quiet --epochs 40 --limit-train 48 --out run --resume
    "$TRAIN" ens.cfg --threads 2 --quiet --epochs 40 --limit-train 48 --out whole
    same_ensemble run whole
}

@test "a member that fails is named with its log, those that run go on, no other is begun" {
    mkdir -p runs/ens/member_2
    touch runs/ens/lock runs/ens/member_2/lock
    echo damaged >runs/ens/member_2/checkpoint.bin
    run --separate-stderr "$TRAIN" ens.cfg --quiet --threads 2 --jobs 2 --epochs 40 --resume
    printf '%s\n' "$stderr"
    [ $status -eq 3 ]
    one_line "$stderr"
    [[ $stderr == "train: member 2: runs/ens/member_2/checkpoint.bin: "*";"* ]]
    [[ $stderr == *"(its whole output is in runs/ens/member_2.log)" ]]
    grep -q '"status": "failed"' runs/ens/manifest.json
    grep -q '"reason": "member 2: ' runs/ens/manifest.json
    grep -q '"status": "finished"' runs/ens/member_1/manifest.json
    [ ! -e runs/ens/member_3 ]
    [ ! -e runs/ens/ensemble.conf ]
    rm runs/ens/member_2/checkpoint.bin
    train ens.cfg --epochs 40 --resume
    train ens.cfg --epochs 40 --out whole
    same_ensemble runs/ens whole
}

@test "a finished ensemble is left as it is, an existing one is not overwritten unasked" {
    train ens.cfg
    before=$(cat runs/ens/*.* runs/ens/member_?/final.weights | grep -v 'is finished' | sha256sum)
    cp runs/ens/manifest.json before.json
    run train ens.cfg --resume
    [ $status -eq 0 ]
    [ "$output" = "runs/ens: this ensemble is finished; --overwrite starts it again" ]
    cmp runs/ens/manifest.json before.json
    run --separate-stderr "$TRAIN" ens.cfg
    [ $status -eq 2 ]
    one_line "$stderr"
    [[ $stderr == "train: runs/ens: already exists; --resume continues"* ]]
    echo mine >runs/ens/notes.txt
    train ens.cfg --overwrite --epochs 1
    [ "$(wc -l <runs/ens/member_3/train.jsonl)" -eq 1 ]
    [ "$(cat runs/ens/notes.txt)" = mine ]
}

@test "with other settings a resume is refused by the members, and names them" {
    train ens.cfg --epochs 1
    run --separate-stderr "$TRAIN" ens.cfg --quiet --resume
    [ $status -eq 2 ]
    one_line "$stderr"
    [[ $stderr == "train: member 1: "*'`epochs=1`, now it is `epochs=2`'* ]]
}

@test "another rule, or more members, need no training of those that are there" {
    train ens.cfg
    before=$(stat -c '%Y %i' runs/ens/member_?/final.weights)
    train ens.cfg --resume --combine probability
    grep -q '^combine = "probability";$' runs/ens/ensemble.conf
    make_ensemble 4
    run train ens.cfg --resume
    grep -q '^test accuracy, member 4' <<<"$output"
    [ "$(stat -c '%Y %i' runs/ens/member_[123]/final.weights)" = "$before" ]
    grep -q 'run = "member_4"' runs/ens/ensemble.conf
}

@test "a member whose manifest has no test is left out of the summary" {
    train ens.cfg >/dev/null
    sed -i '/"results"/,$ s/"test_\(images\|correct\)"/"\1"/' runs/ens/member_1/manifest.json
    run train ens.cfg --resume --combine probability
    echo "$output"
    [ $status -eq 0 ]
    [ "$(grep -c '^test accuracy, member' <<<"$output")" -eq 2 ]
    grep -q '^test accuracy, ensemble (mean of probabilities)' <<<"$output"
    run ! grep -qi nan <<<"$output"
}

@test "two trainings cannot share an ensemble's directory" {
    for _ in $(seq 10); do
        ! start_long_run run || ! kill -STOP $long || break # it keeps its lock
    done
    run --separate-stderr "$TRAIN" ens.cfg --quiet --out run --resume
    children=$(children_of $long)
    kill -KILL $long
    none_runs $children
    [ $status -eq 3 ]
    [[ $stderr == *"run: another training is writing to this directory"* ]]
}

# ---- one by one ----

@test "members trained one by one are the same ensemble, and the last one makes it" {
    run train ens.cfg --member 3
    [ $status -eq 0 ]
    [[ $output == *"runs/ens: no ensemble yet; not finished: member_1 (not begun), member_2 (not begun)"* ]]
    run train ens.cfg --member 1
    [[ $output == *"not finished: member_2 (not begun)"* ]]
    [ ! -e runs/ens/ensemble.conf ]
    run train ens.cfg --member 2
    grep -q '^test accuracy, ensemble ' <<<"$output"
    train ens.cfg --out whole
    same_ensemble runs/ens whole
    cmp runs/ens/resolved.cfg whole/resolved.cfg
    run train ens.cfg --resume
    [[ $output == *"this ensemble is finished"* ]]
}

@test "a member may be trained by several ranks, all of them may not" {
    command -v mpirun >/dev/null || skip "needs mpirun"
    ranks=(mpirun --oversubscribe --allow-run-as-root -n 2)
    train ens.cfg --member 1
    train ens.cfg --member 2
    run --separate-stderr "${ranks[@]}" "$TRAIN" ens.cfg --quiet --threads 1
    printf '%s\n' "$stderr"
    [[ $stderr == *"train: ens.cfg: the members of an ensemble "*"--member K"* ]]
    run "${ranks[@]}" "$TRAIN" ens.cfg --quiet --threads 1 --member 3
    [ $status -eq 0 ]
    grep -q '^test accuracy, ensemble ' <<<"$output"
    grep -q 'run = "member_3"' runs/ens/ensemble.conf
    grep -q '"test_images": 96' runs/ens/manifest.json
}

@test "members that end at the same time make the ensemble once" {
    for k in 1 2 3; do
        "$TRAIN" ens.cfg --quiet --threads 1 --member $k >out$k.txt 2>err$k.txt 3>&- &
    done
    wait
    cat out?.txt err?.txt
    [ "$(grep -l '^test accuracy, ensemble ' out?.txt | wc -l)" -eq 1 ]
    [ -z "$(cat err?.txt)" ]
    train ens.cfg --out whole
    same_ensemble runs/ens whole
}

@test "members trained one by one are completed by a training of all" {
    train ens.cfg --member 2
    train ens.cfg --resume
    train ens.cfg --out whole
    same_ensemble runs/ens whole
}

@test "a member of other settings does not become part of the ensemble" {
    train ens.cfg --member 1
    train ens.cfg --member 2 --limit-train 32
    run --separate-stderr "$TRAIN" ens.cfg --quiet --member 3
    [ $status -eq 2 ]
    one_line "$stderr"
    [[ $stderr == "train: runs/ens/member_2: was trained with other data, "*"; train it again with --member 2 --overwrite" ]]
    train ens.cfg --member 2 --overwrite
    [ -s runs/ens/ensemble.conf ]
    train ens.cfg --member 1 --epochs 1 --overwrite || true
    [ ! -e runs/ens/ensemble.conf ]
    run --separate-stderr "$TRAIN" ens.cfg --quiet --member 2 --resume
    [ $status -eq 2 ]
    [[ $stderr == "train: runs/ens/member_1/resolved.cfg: is not what ens.cfg says of member 1; "* ]]
}

@test "members follow a teacher" {
    train tiny.cfg --out teacher
    train ens.cfg --teacher teacher --member 2
    train ens.cfg --teacher teacher --resume
    [ "$(grep -l "$(hash_of teacher/final.weights)" runs/ens/member_?/manifest.json | wc -l)" -eq 3 ]
    [ -s runs/ens/ensemble.conf ]
}

@test "weights that changed after the training do not become part of the ensemble" {
    train ens.cfg --member 1
    train ens.cfg --member 2
    cp runs/ens/member_1/final.weights runs/ens/member_2/final.weights
    run --separate-stderr "$TRAIN" ens.cfg --quiet --member 3
    [ $status -eq 3 ]
    one_line "$stderr"
    [[ $stderr == "train: runs/ens/member_2/final.weights: are not the weights that the run ended with"* ]]
}

# ---- bad input ----

# refuses STATUS WORDS ARGUMENT...
refuses() {
    local wanted=$1 words=$2
    shift 2
    run --separate-stderr "$TRAIN" "$@"
    printf '%s\n' "status $status: $stderr"
    [ "$status" -eq "$wanted" ] && one_line "$stderr" && [[ $stderr == "train: "*$words* && $stderr == *';'* ]] &&
        [ ! -e runs ]
}

@test "bad input: options that do not fit" {
    refuses 2 'ens.cfg: members=3, so there is no --member 4' ens.cfg --member 4
    refuses 2 'tiny.cfg: is a single network, and --member is for an ensemble' tiny.cfg --member 1
    refuses 2 'tiny.cfg: is a single network, and --jobs is for an ensemble' tiny.cfg --jobs 2
    refuses 2 'tiny.cfg: is a single network, and --combine is for an ensemble' tiny.cfg --combine logit
    refuses 2 '--member trains one and --jobs is about several' ens.cfg --member 1 --jobs 2
    refuses 2 '--member 0: not accepted' ens.cfg --member 0
    refuses 2 'unexpected argument tiny.cfg; train one cfg at a time' ens.cfg tiny.cfg
    refuses 2 'ens.cfg: stock Darknet knows no ensembles; export a member' ens.cfg --export-stock stock
    refuses 2 "ens.cfg: Darknet's log tells of one network" ens.cfg --darknet-log
    refuses 2 'runs/ens: there is no run to resume' ens.cfg --resume
}

@test "bad input: data and settings are checked before anything is written" {
    sed -i 's/n_train = 64/n_train = 0/' tiny.conf
    refuses 2 'no training images' ens.cfg
    refuses 2 'no training images' ens.cfg --member 1
    rm tiny.conf
    refuses 3 'tiny.conf: ' ens.cfg
}

@test "a member's weights are exported for stock Darknet" {
    train ens.cfg --member 1
    run train ens.cfg --weights runs/ens/member_1/final.weights --export-stock stock
    [ $status -eq 0 ]
    run train ens.cfg --member 2 --export-stock stock2
    [ $status -eq 0 ]
    [ -s stock/ens.weights ] && [ -s stock2/ens.weights ]
    ! grep -q ensemble stock/ens.cfg
}

# ---- of runs that are there ----

make_runs() {
    train tiny.cfg --out a
    sed 's/filters=16/filters=24/' tiny.cfg >wide.cfg
    train wide.cfg --out deep/b
}

join() {
    BIN=$(dirname "$TRAIN") "$BATS_TEST_DIRNAME/../tools/make-ensemble" "$@"
}

@test "finished runs of different networks become an ensemble that can be moved" {
    make_runs
    run join out/ens a deep/b --combine probability
    [ $status -eq 0 ]
    [ "$output" = "an ensemble of 2 runs: out/ens" ]
    grep -q '^combine = "probability";$' out/ens/ensemble.conf
    grep -q "run = \"../../a\"; weights_sha256 = \"$(hash_of a/final.weights)\"" out/ens/ensemble.conf
    grep -q "run = \"../../deep/b\"; weights_sha256 = \"$(hash_of deep/b/final.weights)\"" out/ens/ensemble.conf
    join inside a deep/b
    grep -q 'run = "../a"' inside/ensemble.conf
    ln -s deep/b link
    (cd deep && join here/x ../a ../link) # a link's target is what is joined
    grep -q 'run = "../../../a"' deep/here/x/ensemble.conf
    grep -q 'run = "../../b"' deep/here/x/ensemble.conf
}

refuses_join() { # STATUS WORDS ARGUMENT...
    local wanted=$1 words=$2
    shift 2
    run --separate-stderr join "$@"
    printf '%s\n' "status $status: $stderr"
    [ "$status" -eq "$wanted" ] && one_line "$stderr" && [[ $stderr == "train: "*$words*';'* ]] &&
        [ ! -e out/ensemble.conf ]
}

@test "what is no ensemble is refused with both names" {
    make_runs
    refuses_join 2 'a alone is no ensemble' out a
    refuses_join 2 'a/.: is the same network as a' out a a/.
    cp -r a copy
    refuses_join 2 'copy: is the same network as a' out a copy
    refuses_join 2 'missing: No such file or directory' out a missing
    mkdir empty
    refuses_join 2 'empty: has no manifest.json' out a empty
    refuses_join 2 'a: is the directory of a run' a a deep/b
    sed -i 's/"status": "finished"/"status": "interrupted"/' copy/manifest.json
    refuses_join 3 'copy: is not finished (interrupted)' out a copy
    cp a/manifest.json copy/manifest.json
    printf x >>copy/final.weights
    refuses_join 3 'copy/final.weights: are not the weights that the run ended with' out deep/b copy
    join pair a deep/b
    refuses_join 2 'pair: is an ensemble itself' out a pair
    run --separate-stderr join pair a deep/b
    [ $status -eq 2 ]
    [[ $stderr == *"pair: there is an ensemble already; --overwrite replaces it" ]]
    join pair deep/b a --overwrite
    grep -q 'run = "../deep/b".*,$' pair/ensemble.conf
}

@test "runs of other shapes, classes or data are refused with both names" {
    make_runs
    sed 's/shape = \[3, 16, 16\]/shape = [3, 20, 20]/' tiny.conf >large.conf
    sed 's/tiny.conf/large.conf/; s/height=16/height=20/; s/width=16/width=20/' tiny.cfg >large.cfg
    train large.cfg --out large
    refuses_join 2 'large: takes images of 20x20x3 and tells 4 classes apart, a takes 16x16x3 and tells 4' out a large
    sed 's/seed = 5/seed = 6/' tiny.conf >other.conf
    sed 's/tiny.conf/other.conf/' wide.cfg >other.cfg
    train other.cfg --out other
    refuses_join 2 'other: was trained on other data than a' out a other
}

# ---- as an array of jobs, without Slurm ----

array() { # TASK ARGUMENT...; replaces this shell
    export MARGINALIA_TRAIN=$TRAIN SLURM_ARRAY_TASK_ID=$1
    shift
    exec "$BATS_TEST_DIRNAME/../tools/slurm-train" "$@" --quiet
}

@test "an array of jobs is the same ensemble" {
    for k in 1 2 3; do
        array $k ens.cfg --out run >out$k.txt 2>&1 3>&- &
    done
    wait
    cat out?.txt
    train ens.cfg --out whole
    same_ensemble run whole
}

@test "a task that is stopped ends with 75 and goes on when it is started again, one that is killed too" {
    options=(ens.cfg --out run --epochs 30 --checkpoint-every 0)
    for _ in $(seq 10); do # until both are met at work
        rm -rf run
        array 1 "${options[@]}" >out1.txt 2>err1.txt 3>&- &
        first=$!
        array 2 "${options[@]}" >out2.txt 2>err2.txt 3>&- &
        second=$!
        wait_for run/member_1/checkpoint.bin $first || true
        kill -TERM $first || true
        wait_for run/member_2/checkpoint.bin $second || true
        kill -KILL $(children_of $second) $second || true
        await $second
        killed=$status
        await $first
        [ $killed -ne 137 ] || [ $status -ne 75 ] || [ -e run/member_2/final.weights ] || break
    done
    cat err1.txt
    [ $killed -eq 137 ]
    [ $status -eq 75 ]
    [ ! -e run/member_2/final.weights ]
    (array 1 "${options[@]}")
    (SLURM_RESTART_COUNT=1 array 2 "${options[@]}" --overwrite)
    (array 3 "${options[@]}")
    train ens.cfg --epochs 30 --out whole
    same_ensemble run whole
}
