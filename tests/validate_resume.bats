# A run of bin/validate that is interrupted or killed at any instant goes on where it stopped and ends with the same
# bytes.
load validate_fixture

setup_file() {
    train_tiny
}

setup() {
    use_tiny
    OPTIONS=($RUN --method backselect --images 16 --threads 2 --quiet)
}

# Starts a SIS run into $1 in the background; $job is its process.
start() {
    env --default-signal=INT,TERM "$VALIDATE" sis "${OPTIONS[@]}" --out "$@" >out.txt 2>err.txt 3>&- & # 3: bats waits
    job=$!
}

# Waits until at least one image is finished in $1, or the process has ended.
wait_for_image() {
    for _ in $(seq 12000); do
        [ "$(stat -c %s "$1/sis.partial" 2>/dev/null || echo 0)" -gt 5000 ] && return
        kill -0 $job 2>/dev/null || return 1
        sleep 0.01
    done
    return 1
}

@test "Ctrl-C and SIGTERM end with 75 and a command that continues to the same bytes" {
    "$VALIDATE" sis "${OPTIONS[@]}" --out whole >/dev/null
    for signal in INT TERM; do
        rm -rf 'a run'
        start 'a run'
        wait_for_image 'a run'
        kill -$signal $job
        status=0
        wait $job || status=$?
        cat err.txt
        [ $status -eq 75 ]
        one_line "$(cat err.txt)"
        grep -qE "^validate: interrupted after [0-9]+ of 16 images; continue with: .* --resume$" err.txt
        [ ! -e 'a run/sis.jsonl' ]
        eval "$(sed 's/.*continue with: //' err.txt)"
        same_sis 'a run' whole
        [ ! -e 'a run/sis.partial' ]
    done
}

@test "killed again and again, a run comes to the same bytes" {
    "$VALIDATE" sis "${OPTIONS[@]}" --out whole >/dev/null
    kills=0
    while [ $kills -lt 6 ]; do
        start run --resume
        sleep 0.$((RANDOM % 9))
        wait_for_image run || break
        sleep 0.$((RANDOM % 5))
        kill -KILL $job 2>/dev/null || break
        ! wait $job 2>/dev/null
        kills=$((kills + 1))
    done
    wait $job 2>/dev/null || true
    "$VALIDATE" sis "${OPTIONS[@]}" --out run --resume >/dev/null
    echo "$kills kills"
    [ $kills -ge 1 ]
    same_sis run whole
    [ -z "$(find run -name '*.tmp-*')" ]
}

@test "what a kill left half-written is dropped" {
    "$VALIDATE" sis "${OPTIONS[@]}" --out whole >/dev/null
    start run
    wait_for_image run
    kill -KILL $job
    ! wait $job
    truncate -s -100 run/sis.partial
    "$VALIDATE" sis "${OPTIONS[@]}" --out run --resume >/dev/null
    same_sis run whole
}

# The images of a block are finished together, so a kill may come before the first or after the last of them: the bytes
# are the same in any case.
@test "collections resume, too" {
    OPTIONS=($RUN --images 96 --threads 1 --quiet --collection -k 1 --threshold 0.4,0.5)
    "$VALIDATE" sis "${OPTIONS[@]}" --out whole >/dev/null
    for pause in 0.05 0.3 0.6; do
        rm -rf run
        start run
        sleep $pause
        kill -KILL $job || true
        wait $job || true
        "$VALIDATE" sis "${OPTIONS[@]}" --out run --resume >/dev/null
        same_sis run whole
    done
}

@test "resume refuses other settings and names them" {
    start run
    wait_for_image run
    kill -KILL $job
    ! wait $job
    run --separate-stderr "$VALIDATE" sis "${OPTIONS[@]}" --baseline black --out run --resume
    echo "$stderr"
    [ $status -eq 2 ]
    one_line "$stderr"
    [[ $stderr == *baseline* ]]
}

@test "two runs cannot share a directory" {
    start run
    wait_for_image run
    kill -STOP $job # it keeps its lock
    run --separate-stderr "$VALIDATE" sis "${OPTIONS[@]}" --out run --overwrite
    kill -KILL $job
    echo "$stderr"
    [ $status -eq 3 ]
    one_line "$stderr"
    [[ $stderr == *"another process is writing"* ]]
}

# Time and date, and what the command lines differ in.
timeless() {
    grep -vE 'seconds"|"date"|"--resume"|"(a|b)",?$|NEXT_RUN' "$1"
}

@test "an interrupted validation goes on and comes to the same report" {
    make_policy '{ check = "accuracy"; at_least = 0.5; },
        { check = "sis.size"; threshold = 0.5; at_least = 0.0; },
        { check = "wrong.class"; threshold = 0.5; gates = false; quick = 24; }'
    sed -i 's/"gradient"/"backselect"/; s/per_step = 8; //' policy.conf
    options=($RUN --policy policy.conf --threads 2 --quiet)
    "$VALIDATE" model "${options[@]}" --out a >/dev/null
    env --default-signal=INT "$VALIDATE" model "${options[@]}" --out b >/dev/null 2>err.txt 3>&- &
    job=$!
    wait_for_image b/sis-margin-mean-predicted-24
    kill -INT $job
    status=0
    wait $job || status=$?
    cat err.txt
    [ $status -eq 75 ]
    grep -q '^validate: interrupted; continue with: .* --resume$' err.txt
    [ ! -e b/report.json ]
    run --separate-stderr "$VALIDATE" model "${options[@]}" --out b
    [ $status -eq 2 ]
    [[ $stderr == *"--resume continues it"* ]]
    eval "$(sed 's/.*continue with: //' err.txt)" >/dev/null
    diff <(timeless a/report.json) <(timeless b/report.json)
}
