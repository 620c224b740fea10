# bin/validate on several ranks: the results of one, whatever happens on the way.
load validate_fixture
load mpi_fixture

setup_file() {
    command -v mpirun >/dev/null || return 0
    train_tiny
}

setup() {
    use_mpi
    use_tiny
    # Several blocks for each rank, and long enough to be killed in.
    OPTIONS=($RUN --method backselect --images 24 --threads 1)
}

sis() { # ranks, then options
    local n=$1
    shift
    ranks "$n" "$VALIDATE" sis "${OPTIONS[@]}" "$@"
}

# Starts a job of $1 ranks, `validate $COMMAND`, into directory $2 in the background; $job is mpirun.
start() {
    mpirun --oversubscribe --allow-run-as-root -n "$1" "$VALIDATE" ${COMMAND:-sis} "${OPTIONS[@]}" --out "${@:2}" \
        >out.txt 2>err.txt 3>&- & # 3: bats waits for who holds it
    job=$!
}

journals() { # bytes of what the ranks of $1 have written so far
    find "$1" -name 'sis.partial*' -exec cat {} + 2>/dev/null | wc -c
}

# Waits until some rank has finished a picture in $1, or the job has ended. $2: bytes of the journals before it began.
wait_for_picture() {
    for _ in $(seq 6000); do
        [ "$(journals "$1")" -le $((${2-0} + 4096)) ] || return 0
        kill -0 $job 2>/dev/null || return 1
        sleep 0.01
    done
    return 1
}

# Waits until rank 0 has begun in $1: Open MPI's mpirun may hang when a process dies while it connects to it.
wait_for_begin() {
    for _ in $(seq 2000); do
        [ -e "$1/sis.partial" ] && return
        kill -0 $job 2>/dev/null || return 1
        sleep 0.01
    done
    return 1
}

# Kills one of the job's ranks, drawn at random, or sends it the signal $1; false: there was none.
strike_a_rank() {
    local pids=($(pgrep -P $job))
    [ ${#pids[@]} -gt 0 ] || return 1 # not begun yet, or at its end
    kill -${1:-KILL} "${pids[RANDOM % ${#pids[@]}]}" 2>/dev/null
}

# Starts a job of $1 ranks into $2, has "${@:3}" stop it as soon as a picture is finished, and waits: $status is not 0.
# Begins anew as long as the job ends by itself, as it may on a fast machine: without a stop there is no test.
stop_at_work() {
    local before
    for _ in $(seq 20); do
        before=$(journals "$2")
        start "$1" "$2" $([ -e "$2" ] && echo --resume)
        ! wait_for_picture "$2" "$before" || "${@:3}" || true
        status=0
        wait $job || status=$?
        [ $status -eq 0 ] || return 0
        rm -rf "$2"
    done
    return 1
}

says() { # one line of validate's own in err.txt that holds $1
    [ "$(grep -cE '^validate( [a-z]+)?: ' err.txt)" -eq 1 ] && grep -qE "^validate( [a-z]+)?: .*$1" err.txt
}

@test "2, 3 and 4 ranks write the bytes of one" {
    "$VALIDATE" sis "${OPTIONS[@]}" --quiet --out one >one.txt
    for n in 2 3 4; do
        sis $n --out many >many.txt 2>err.txt
        same_sis many one
        diff <(sed 's/many/one/' many.txt) one.txt
        [ "$(ls many | wc -l)" -eq 3 ] # no journal is left
        rm -r many
    done
}

@test "so they do with collections, and with other methods" {
    for options in '--method gradient -k 2 --collection --threshold 0.4,0.5' '--method screened --candidates 8 -k 2'; do
        OPTIONS=($RUN --images 70 --threads 1 $options)
        "$VALIDATE" sis "${OPTIONS[@]}" --quiet --out one
        sis 3 --out many 2>err.txt
        same_sis many one
        rm -r one many
    done
}

@test "a part of the images by several ranks is that part" {
    "$VALIDATE" sis "${OPTIONS[@]}" --quiet --out one --shard 2/2
    sis 2 --out many --shard 2/2
    same_sis many one
}

@test "more ranks than images leave some without work" {
    OPTIONS=($RUN --images 2 --threads 1)
    "$VALIDATE" sis "${OPTIONS[@]}" --quiet --out one
    sis 4 --out many
    same_sis many one
}

# Of the reports: what depends on the clock, on the ranks, and on the command line.
timeless() {
    grep -vE 'seconds"|"date"|"ranks"|"--quiet"|"(one|many)",?$|NEXT_RUN|--resume' "$1"
}

@test "validate model on 3 ranks comes to the report of one" {
    make_policy '{ check = "accuracy"; at_least = 0.5; },
        { check = "calibration"; gates = false; },
        { check = "sis.size"; threshold = 0.5; at_least = 0.0; },
        { check = "subset.sufficiency"; fraction = 0.1; gates = false; },
        { check = "rubbish"; gates = false; },
        { check = "wrong.class"; threshold = 0.5; gates = false; quick = 24; }'
    "$VALIDATE" model $RUN --policy policy.conf --threads 1 --quiet --out one >one.txt
    ranks 3 "$VALIDATE" model $RUN --policy policy.conf --threads 1 --out many >many.txt 2>err.txt
    diff <(timeless one/report.json) <(timeless many/report.json)
    diff <(sed 's/one/many/' one.txt) many.txt
    for search in one/sis-*; do
        same_sis "$search" "many/${search#one/}"
    done
    grep -q '"ranks": 3' many/report.json
    grep -q '3 ranks with 1 thread each' many/report.html
}

@test "validate dataset on 3 ranks comes to the report of one" {
    mkdir broken # files, of which some cannot be read
    for class in a b; do
        mkdir broken/$class
        for i in $(seq 30); do
            printf 'P6 8 8 255\n' >broken/$class/$i.ppm
            head -c 192 /dev/urandom >>broken/$class/$i.ppm
        done
        head -c 100 broken/$class/7.ppm >broken/$class/torn.ppm
    done
    for set in tiny.conf broken; do
        status=0
        "$VALIDATE" dataset $set --threads 1 --out one --quiet >one.txt || status=$?
        other=0
        ranks 3 "$VALIDATE" dataset $set --threads 1 --out many --quiet >many.txt 2>err.txt || other=$?
        [ $status -eq $other ]
        [ $set = tiny.conf ] || grep -q 'torn.ppm' one/report.json
        diff <(timeless one/report.json) <(timeless many/report.json)
        diff <(sed 's/one/many/' one.txt) many.txt
        rm -r one many one.txt many.txt
    done
}

@test "killed ranks lose nothing but the pictures in work, and any number goes on to the same bytes" {
    "$VALIDATE" sis "${OPTIONS[@]}" --quiet --out one
    stop_at_work $((2 + RANDOM % 3)) many strike_a_rank
    sis 2 --out many --resume
    same_sis many one
    [ "$(ls many | wc -l)" -eq 3 ]
    # killed twice, and then one goes on alone
    rm -r many
    stop_at_work 3 many strike_a_rank
    stop_at_work $((2 + RANDOM % 3)) many strike_a_rank
    "$VALIDATE" sis "${OPTIONS[@]}" --quiet --out many --resume
    same_sis many one
}

# MARGINALIA_LONG=1 bats tests/mpi_validate.bats --filter 'twenty'
@test "twenty moments of a kill" {
    [ -n "${MARGINALIA_LONG-}" ] || skip "long; MARGINALIA_LONG=1 runs it"
    "$VALIDATE" sis "${OPTIONS[@]}" --quiet --out one
    kills=0
    for _ in $(seq 60); do
        [ $kills -lt 20 ] || break
        rm -rf many
        start $((2 + RANDOM % 3)) many
        wait_for_begin many || { wait $job || true; continue; }
        sleep $((RANDOM % 3)).$((RANDOM % 10))
        strike_a_rank || true
        ! wait $job || continue
        kills=$((kills + 1))
        sis $((1 + RANDOM % 4)) --out many --resume --quiet
        same_sis many one
        [ "$(ls many | wc -l)" -eq 3 ]
    done
    [ $kills -eq 20 ]
}

@test "a signal to one rank, or passed on by mpirun, ends all in order with 75" {
    "$VALIDATE" sis "${OPTIONS[@]}" --quiet --out one
    for how in rank mpirun; do
        rm -rf many
        if [ $how = rank ]; then
            stop_at_work 3 many strike_a_rank TERM
        else
            stop_at_work 3 many eval 'kill -USR1 $job'
        fi
        cat err.txt
        [ $status -eq 75 ]
        says 'interrupted after [0-9]* of 24 images; continue with: mpirun -n 3 .* --resume$'
        [ ! -e many/sis.json ]
        sis 2 --out many --resume
        same_sis many one
    done
}

@test "a report that was interrupted goes on" {
    make_policy '{ check = "accuracy"; at_least = 0.5; },
        { check = "sis.size"; threshold = 0.5; at_least = 0.0; }'
    sed -i 's/"gradient"/"backselect"/; s/per_step = 8; //' policy.conf
    OPTIONS=($RUN --policy policy.conf --threads 1)
    COMMAND=model
    "$VALIDATE" model "${OPTIONS[@]}" --quiet --out one >/dev/null
    stop_at_work 2 many eval 'kill -USR1 $job'
    cat err.txt
    [ $status -eq 75 ]
    says 'interrupted; continue with: mpirun -n 2 .* --resume$'
    [ ! -e many/report.json ]
    ranks 3 "$VALIDATE" model "${OPTIONS[@]}" --out many --resume >/dev/null
    diff <(timeless one/report.json) <(timeless many/report.json)
}

@test "ranks with different weights, data or settings are refused" {
    cp -r $RUN other
    printf x | dd of=other/final.weights bs=1 seek=500 conv=notrunc 2>dd.txt
    ranks 1 "$VALIDATE" sis "${OPTIONS[@]}" --out many : -n 1 "$VALIDATE" sis --cfg other/resolved.cfg \
        --weights other/final.weights --out many >out.txt 2>err.txt || [ $? -eq 2 ]
    says 'rank 1 has another model than rank 0; start all ranks with the same'
    ranks 1 "$VALIDATE" sis "${OPTIONS[@]}" --out many : -n 1 "$VALIDATE" sis "${OPTIONS[@]}" --seed 9 --out many \
        >out.txt 2>err.txt || [ $? -eq 2 ]
    says 'rank 1 has another set of options than rank 0'
    ranks 1 "$VALIDATE" sis "${OPTIONS[@]}" --out many : -n 1 "$VALIDATE" model $RUN --out many \
        >out.txt 2>err.txt || [ $? -eq 2 ]
    says 'rank 1 has another command than rank 0'
    sed -i 's/seed = 5/seed = 6/' tiny.conf
    mkdir data2
    sed 's/seed = 6/seed = 7/' tiny.conf >data2/tiny.conf
    ln -s ../runs data2/runs
    ranks 1 "$VALIDATE" dataset tiny.conf --out many : -n 1 -wdir "$PWD/data2" "$VALIDATE" dataset tiny.conf \
        --out many >out.txt 2>err.txt || [ $? -eq 2 ]
    says 'rank 1 has another data set than rank 0'
    [ ! -e many ]
}

@test "a directory that is not shared is refused" {
    for d in a b; do
        mkdir $d
        ln -s ../runs ../tiny.conf $d/
    done
    ranks 1 -wdir "$PWD/a" "$VALIDATE" sis "${OPTIONS[@]}" --out many : -n 1 -wdir "$PWD/b" "$VALIDATE" sis \
        "${OPTIONS[@]}" --out many >out.txt 2>err.txt || [ $? -eq 2 ]
    cat err.txt
    says 'many: rank 1 on .* does not see what rank 0 writes there; name a directory that all hosts share'
    [ -z "$(ls -A a/many)" ]
}

@test "what goes wrong is said once, with the status of one rank" {
    mkdir there
    : >there/sis.json
    for arguments in 'sis nothing' 'sis' "sis $RUN --images 4 --out there" 'merge a b' 'modle' \
        'dataset tiny.conf --fix crop-border:2 --out x'; do
        status=0
        ranks 3 "$VALIDATE" $arguments >out.txt 2>err.txt || status=$?
        echo "$arguments: $status"
        cat err.txt
        [ $status -eq 2 ]
        says ''
    done
}

@test "a rank that cannot write ends the job with its cause" {
    stop_at_work 2 many strike_a_rank
    rm -f many/sis.partial.1
    mkdir many/sis.partial.1 # where rank 1 wants its journal
    status=0
    sis 2 --out many --resume >out.txt 2>err.txt || status=$?
    cat err.txt
    [ $status -eq 3 ]
    says 'sis.partial.1'
}
