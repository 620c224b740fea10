# For tests of bin/train: a tiny network on a tiny planted data set, made in the test's own directory.
bats_require_minimum_version 1.5.0

# Every test works in an empty directory of its own; $TRAIN and $VALIDATE are the programs.
use_own_directory() {
    TRAIN=$(realpath "${BIN:-bin}/train")
    VALIDATE=$(realpath "${BIN:-bin}/validate")
    cd "$BATS_TEST_TMPDIR" || return 1
}

# tiny.conf: 4 classes of 16 x 16 images. $1: training images (256)
make_data() {
    cat >tiny.conf <<END
format = "planted"; name = "tiny"; classes = 4; shape = [3, 16, 16];
mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];
n_train = ${1:-256}; n_test = 96; seed = 5; border_width = 2; border_cue = 0.9;
END
}

# NAME.cfg: one of every kind of randomness that a resume must get right. $1: name; then lines for [net], which go
# before the rest of it.
make_cfg() {
    local name=$1
    shift
    printf '%s\n' '[net]' "$@" >"$name.cfg"
    cat >>"$name.cfg" <<'END'
batch=16
height=16
width=16
channels=3
momentum=0.9
decay=0.0005
dataset=tiny.conf
flip=1
crop_pad=2

[normalize]
mean=0.5,0.5,0.5
std=0.25,0.25,0.25

[input_dropout]
probability=0.2

[convolutional]
batch_normalize=1
filters=16
size=3
stride=2
pad=1
activation=relu

[dropout]
probability=0.1

[convolutional]
filters=16
size=3
stride=2
pad=1
activation=leaky

[avgpool]

[connected]
output=4
activation=linear

[softmax]
END
}

# tiny.cfg on tiny.conf, two epochs. $1: training images
make_tiny() {
    make_data "$@"
    make_cfg tiny epochs=2 seed=3 learning_rate=0.05 policy=cosine
}

# The records of run $1 without what depends on the clock.
records() {
    sed 's/,"images_per_second":[^,]*,"seconds":[^,]*//' "$1/train.jsonl"
    cut -d, -f1-6,9 "$1/summary.csv"
}

# Run $1 ended as run $2 did: the same weights, bit for bit, and the same records.
same_result() {
    cmp "$1/final.weights" "$2/final.weights" &&
        cmp "$1/best.weights" "$2/best.weights" &&
        diff <(records "$1") <(records "$2")
}

# Waits until the command $1 (one string) succeeds; no longer than process $2 is there, if given. It looks 6000 times: two
# minutes on an idle machine, more on one that is busy.
wait_until() {
    for _ in $(seq 6000); do
        eval "$1" && return
        [ -z "${2-}" ] || kill -0 "$2" 2>/dev/null || break
        sleep 0.02
    done
    eval "$1"
}

# The same until the file $1 holds something.
wait_for() {
    local file=$1
    wait_until '[ -s "$file" ]' "${2-}"
}

# Waits for the end of process $1, which this shell started; $status is how it ended. One that has not ended after that
# time is killed, and the command fails.
await() {
    local late=0
    wait_until "! kill -0 $1 2>/dev/null" || { late=1; echo "process $1 does not end"; kill -KILL "$1"; }
    status=0
    wait "$1" || status=$?
    return $late
}

# stop_midway SIGNAL DIRECTORY CONDITION COMMAND...: starts the command in the background and sends it the signal as soon
# as the condition holds. $status is how it ended: 75, or 137 after KILL. When it came to its own end before, as it may on
# a fast machine, the directory is removed and all begins anew: without a stop there is no test. Its words are in err.txt.
stop_midway() {
    local signal=$1 directory=$2 condition=$3
    shift 3
    for _ in $(seq 20); do
        env --default-signal=INT,TERM "$@" >out.txt 2>err.txt 3>&- & # 3: bats waits for who holds it
        JOB=$!
        wait_until "$condition" $JOB || true
        kill -"$signal" $JOB 2>/dev/null || true
        await $JOB || return
        [ $status -eq $([ "$signal" = KILL ] && echo 137 || echo 75) ] && return
        rm -rf "$directory"
    done
    echo "never stopped midway, the last time it ended with $status: $*"
    cat err.txt
    return 1
}

one_line() { # the text in $1 is one line
    [ -n "$1" ] && [ "$(printf '%s\n' "$1" | wc -l)" -eq 1 ]
}
