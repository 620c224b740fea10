# What bin/validate model --full promises of the twins it trains, with bin/train.
load validate_fixture

# $1: border_width, 0: a plain set; $2: epochs. Trains runs/tiny.
train_on() {
    cat >tiny.conf <<END_CONF
format = "planted"; name = "tiny"; classes = 4; shape = [3, 16, 16];
mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];
n_train = 256; n_test = 400; seed = 5; border_width = $1; border_cue = ${3:-0.9};
END_CONF
    make_cfg tiny epochs="$2" seed=3 learning_rate=0.1 policy=cosine
    "$TRAIN" tiny.cfg --quiet --threads 2 >/dev/null
}

setup() {
    use_own_directory
    make_policy '{ check = "accuracy"; at_least = 0.1; }, { check = "border.twin"; at_most = 0.15; }'
}

validate() {
    "$VALIDATE" model runs/tiny --policy policy.conf --threads 2 --quiet "$@"
}

# The number KEY in the result of the twin on $1 (border, center).
twin() {
    sed -n 's/.*"'"$2"'": \([0-9.]*\).*/\1/p' "runs/tiny/validation/twin_2/$1/manifest.json" | head -n 1
}

@test "a twin that learns from the border alone is caught" {
    train_on 2 4
    run validate --full
    [ $status -eq 1 ]
    grep -q '^fail *border.twin@2' <<<"$output"
    [ "$(twin border test_images)" -eq 400 ]
    awk -v a="$(twin border test_accuracy)" -v b="$(twin center test_accuracy)" 'BEGIN { exit !(a > 0.8 && b < 0.5) }'
    grep -qx 'view=border:2' runs/tiny/validation/twin_2/border/resolved.cfg
    grep -qx 'seed=3' runs/tiny/validation/twin_2/border/resolved.cfg
    # 112 of 256 pixels, as many as the ring has
    grep -qx 'view=center:0.4375' runs/tiny/validation/twin_2/center/resolved.cfg
}

@test "pictures without a border signal are cleared" {
    train_on 0 4 0
    run validate --full
    [ $status -eq 0 ]
    grep -q '^pass *border.twin@2' <<<"$output"
}

@test "a finished twin is taken as it is, one of other settings is trained again" {
    train_on 2 2
    validate --full || [ $? -eq 1 ]
    sha256sum runs/tiny/validation/twin_2/*/checkpoint.bin >before
    cp runs/tiny/validation/report.md first.md
    run --separate-stderr validate --full --overwrite
    sha256sum -c --quiet before
    grep -q 'this run is finished' runs/tiny/validation/twin_2/border.log
    diff <(grep border.twin first.md) <(grep border.twin runs/tiny/validation/report.md)
    sed -i 's/baseline = "mean"/baseline = "black"/' policy.conf
    validate --full --overwrite || [ $? -eq 1 ]
    grep -qx 'baseline=black' runs/tiny/validation/twin_2/border/resolved.cfg
    run sha256sum -c --quiet before
    [ $status -ne 0 ]
}

@test "without --full no twin is trained, and the report says so" {
    train_on 2 1
    run validate
    [ $status -eq 0 ]
    [ ! -e runs/tiny/validation/twin_2 ]
    grep -q 'Without --full, border.twin@2 did not run' runs/tiny/validation/report.md
    grep -q 'Not run.*border.twin@2' runs/tiny/validation/report.md
    grep -A1 '"left_out"' runs/tiny/validation/report.json | grep -q border.twin@2
    run ! grep -q '^pass *border.twin' <<<"$output"
    make_policy '{ check = "border.twin"; at_most = 0.15; }' # nothing else: nothing was shown
    run validate --overwrite
    [ $status -eq 4 ]
}

@test "a training that fails is an error, with what train said, and never a pass" {
    train_on 2 1
    mkdir -p runs/tiny/validation/twin_2/border
    echo 'mine' >runs/tiny/validation/twin_2/border/notes.txt # no run: train leaves it alone
    run validate --full
    [ $status -eq 3 ]
    grep -q '^error *border.twin@2' <<<"$output"
    grep -q 'twin_2/border: already exists' runs/tiny/validation/report.json
    [ "$(cat runs/tiny/validation/twin_2/border/notes.txt)" = mine ]
}

# Whether the validation JOB trains; $child is the training then.
trains() {
    [ -s runs/tiny/validation/twin_2/border/train.jsonl ] && child=$(pgrep -P $JOB)
}

# Starts a validation and sends it the signal $1 while it trains.
stop_training() {
    stop_midway "$1" runs/tiny/validation trains \
        "$VALIDATE" model runs/tiny --policy policy.conf --threads 2 --quiet --full
}

# The twins of runs/tiny get $1 epochs.
set_epochs() {
    sed -i "s/^epochs=.*/epochs=$1/" runs/tiny/resolved.cfg
}

@test "stopped and resumed, a validation ends with the same twins" {
    train_on 2 1
    set_epochs 12
    validate --full || [ $? -eq 1 ]
    mv runs/tiny/validation whole
    for _ in $(seq 10); do # until it is the first twin that is stopped
        rm -rf runs/tiny/validation
        stop_training TERM
        [ -e runs/tiny/validation/twin_2/border/final.weights ] || break
    done
    grep -q 'interrupted; continue with: .*--resume' err.txt
    run ! kill -0 "$child"
    [ ! -e runs/tiny/validation/report.json ]
    grep -q '"status": "interrupted"' runs/tiny/validation/twin_2/border/manifest.json
    validate --full --resume || [ $? -eq 1 ]
    for part in border center; do
        cmp runs/tiny/validation/twin_2/$part/final.weights whole/twin_2/$part/final.weights
    done
    diff <(grep border.twin runs/tiny/validation/report.md) <(grep border.twin whole/report.md)
}

@test "killed, a validation leaves no training behind" {
    train_on 2 1
    set_epochs 100000 # it will not end by itself
    stop_training KILL
    [ -n "$child" ]
    wait_until '! kill -0 $child 2>/dev/null'
}
