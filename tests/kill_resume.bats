# A training that is killed at any instant goes on from its last checkpoint and ends with the same bytes.
load train_fixture

setup() {
    use_own_directory
    make_tiny 3072
    OPTIONS=(tiny.cfg --quiet --threads 2 --checkpoint-batches 5 --tensorboard)
    "$TRAIN" "${OPTIONS[@]}" --out whole >/dev/null
}

# Seconds that an uninterrupted run takes: the least of three, for a busy machine slows some of them.
duration() {
    for _ in 1 2 3; do
        local start=$EPOCHREALTIME
        "$TRAIN" "${OPTIONS[@]}" --out timed --overwrite >/dev/null
        awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
    done | sort -g | head -n 1
}

# Starts or continues run $1: before its lock is there, nothing has begun and --resume is refused.
go_on() {
    local resume=()
    [ -e "$1/lock" ] && resume=(--resume)
    exec "$TRAIN" "${OPTIONS[@]}" --out "$1" "${resume[@]}" >out.txt 2>err.txt
}

# The same, killed after $2 seconds: false when it came to the end before.
killed_after() {
    go_on "$1" 3>&- & # 3: bats waits for who holds it
    sleep "$2"
    kill -KILL $! 2>/dev/null
    local status=0
    wait $! 2>/dev/null || status=$?
    [ $status -eq 0 ] && return 1
    [ $status -eq 137 ] || { cat err.txt; exit 1; }
}

is_like_whole() {
    same_result "$1" whole &&
        [ "$(stat -c %s "$1"/events.*)" -eq "$(stat -c %s whole/events.*)" ] &&
        [ -z "$(find "$1" -name '*.tmp-*')" ] &&
        diff <(sed -n '/"results"/,$p' "$1/manifest.json") <(sed -n '/"results"/,$p' whole/manifest.json)
}

@test "killed at 24 moments and resumed, a run ends with the same bytes" {
    seconds=$(duration)
    kills=0
    for i in $(seq 100); do # the golden section spreads the moments evenly, however many there are
        moment=$(awk -v d="$seconds" -v i="$i" 'BEGIN { x = i * 0.618034; print d * (x - int(x)) }')
        rm -rf run
        if ! killed_after run "$moment"; then # the machine has become faster, or it was the last moment of all
            seconds=$(awk -v d="$seconds" 'BEGIN { print 0.9 * d }')
            continue
        fi
        [ -d run ] || continue
        kills=$((kills + 1))
        (go_on run) || { cat err.txt; false; }
        is_like_whole run || { echo "killed after $moment of $seconds s"; false; }
        [ $kills -lt 24 ] || break
    done
    echo "$kills kills"
    [ $kills -eq 24 ]
}

@test "killed again and again, a run still comes to the same end" {
    seconds=$(duration)
    for _ in $(seq 20); do
        kills=0
        while # ever later, for a machine that has become busier since the measurement
            moment=$(awk -v d="$seconds" -v k=$kills 'BEGIN { print d * (0.5 + 0.1 * k) }')
            killed_after run "$moment"
        do
            kills=$((kills + 1))
            [ $kills -lt 100 ]
        done
        [ $kills -lt 2 ] || break
        seconds=$(awk -v d="$seconds" 'BEGIN { print d / 2 }') # it has become faster
        rm -rf run
    done
    echo "$kills kills"
    [ $kills -ge 2 ]
    is_like_whole run
}

@test "what a killed run wrote after its last checkpoint is dropped" {
    OPTIONS+=(--epochs 8)
    "$TRAIN" "${OPTIONS[@]}" --out whole --overwrite >/dev/null
    stop_midway KILL run '[ -s run/train.jsonl -a run/checkpoint.bin -nt run/train.jsonl ]' \
        "$TRAIN" "${OPTIONS[@]}" --out run # the first epoch is in a checkpoint
    printf '{"epoch":9,"loss":1}\n{"epo' >>run/train.jsonl
    printf '9,1,' >>run/summary.csv
    printf 'torn' >>run/events.out.tfevents.marginalia
    : >run/checkpoint.bin.tmp-1
    (go_on run) || { cat err.txt; false; }
    is_like_whole run
}

@test "a checkpoint after every batch changes nothing" {
    "$TRAIN" tiny.cfg --quiet --threads 2 --tensorboard --checkpoint-every 0 --out run >/dev/null
    is_like_whole run
}
