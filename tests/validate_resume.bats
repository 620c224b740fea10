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

# Whether at least one image is finished in $1.
has_image() {
    [ "$(stat -c %s "$1/sis.partial" 2>/dev/null || echo 0)" -gt 5000 ]
}

# Starts a SIS run into $2 and stops it by the signal $1 when it has finished an image.
stop_search() {
    stop_midway "$1" "$2" "has_image '$2'" "$VALIDATE" sis "${OPTIONS[@]}" --out "$2"
}

@test "Ctrl-C and SIGTERM end with 75 and a command that continues to the same bytes" {
    "$VALIDATE" sis "${OPTIONS[@]}" --out whole >/dev/null
    for signal in INT TERM; do
        rm -rf 'a run'
        stop_search $signal 'a run'
        cat err.txt
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
    for size in 1 10000 30000; do # bytes of the journal, of about 67000 at its end
        stop_midway KILL run "[ \"\$(stat -c %s run/sis.partial 2>/dev/null || echo 0)\" -ge $size ]" \
            "$VALIDATE" sis "${OPTIONS[@]}" --out run --resume
    done
    "$VALIDATE" sis "${OPTIONS[@]}" --out run --resume >/dev/null
    same_sis run whole
    [ -z "$(find run -name '*.tmp-*')" ]
}

@test "what a kill left half-written is dropped" {
    "$VALIDATE" sis "${OPTIONS[@]}" --out whole >/dev/null
    stop_search KILL run
    truncate -s -100 run/sis.partial
    "$VALIDATE" sis "${OPTIONS[@]}" --out run --resume >/dev/null
    same_sis run whole
}

# The images of a block are finished together: kills before the first, and after one or several blocks.
@test "collections resume, too" {
    OPTIONS=($RUN --images 96 --threads 1 --quiet --collection -k 1 --threshold 0.4,0.5)
    "$VALIDATE" sis "${OPTIONS[@]}" --out whole >/dev/null
    for size in 0 1000 20000; do
        rm -rf run
        stop_midway KILL run "[ \"\$(stat -c %s run/sis.partial 2>/dev/null || echo -1)\" -ge $size ]" \
            "$VALIDATE" sis "${OPTIONS[@]}" --out run
        "$VALIDATE" sis "${OPTIONS[@]}" --out run --resume >/dev/null
        same_sis run whole
    done
}

@test "resume refuses other settings and names them" {
    stop_search KILL run
    run --separate-stderr "$VALIDATE" sis "${OPTIONS[@]}" --baseline black --out run --resume
    echo "$stderr"
    [ $status -eq 2 ]
    one_line "$stderr"
    [[ $stderr == *baseline* ]]
}

@test "two runs cannot share a directory" {
    # it stops itself when it has an image, and keeps its lock
    stop_and_look() {
        kill -STOP $JOB || return 0
        run --separate-stderr "$VALIDATE" sis "${OPTIONS[@]}" --out run --overwrite
        second=("$status" "$stderr")
    }
    stop_midway KILL run 'has_image run && stop_and_look' "$VALIDATE" sis "${OPTIONS[@]}" --out run
    status=${second[0]} stderr=${second[1]}
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
    stop_midway INT b 'has_image b/sis-margin-mean-predicted-24' "$VALIDATE" model "${options[@]}" --out b
    cat err.txt
    grep -q '^validate: interrupted; continue with: .* --resume$' err.txt
    [ ! -e b/report.json ]
    run --separate-stderr "$VALIDATE" model "${options[@]}" --out b
    [ $status -eq 2 ]
    [[ $stderr == *"--resume continues it"* ]]
    eval "$(sed 's/.*continue with: //' err.txt)" >/dev/null
    diff <(timeless a/report.json) <(timeless b/report.json)
}
