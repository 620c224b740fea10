#!/usr/bin/env bats
# One training by several ranks. MARGINALIA_LONG=1 kills one of them 20 times instead of 3.
bats_require_minimum_version 1.5.0
load train_fixture
load mpi_fixture

setup() {
    use_mpi
    use_own_directory
    make_tiny 512
    make_cfg sync epochs=2 seed=3 learning_rate=0.05 policy=cosine sync_bn=1
    make_cfg long epochs=100000 seed=3 learning_rate=0.05 policy=cosine
}

losses() { # of a run's --darknet-log
    awk '/ images$/ { print $3 }' "$1"
}

# $1 and $2 are columns of as many numbers that differ by at most $3.
close_to() {
    paste "$1" "$2" | awk -v most="$3" '{ d = $1 - $2; if (NF != 2 || !(d <= most && -d <= most)) { print; bad = 1 } }
                                        END { exit bad || NR == 0 }'
}

manifest() { # key run
    sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\).*/\1/p" "$2/manifest.json" | head -n 1
}

# Pids of the ranks that mpirun $1 has started.
pids_of() {
    pgrep -P "$1" -f "$TRAIN"
}

@test "with sync_bn=1 the losses of 1, 2, 3 and 4 ranks are the same" {
    "$TRAIN" sync.cfg --out one --darknet-log >one.log
    losses one.log >one.txt
    [ "$(wc -l <one.txt)" -eq 64 ]
    for n in 1 2 3 4; do
        ranks $n "$TRAIN" sync.cfg --out ranks_$n --darknet-log >$n.log
        losses $n.log >$n.txt
        close_to $n.txt one.txt 1e-5 || { echo "$n ranks"; false; }
        [ "$(manifest ranks ranks_$n)" -eq $n ]
        cut -d, -f1,3,5,9 ranks_$n/summary.csv | diff - <(cut -d, -f1,3,5,9 one/summary.csv)
        close_to <(cut -d, -f4 ranks_$n/summary.csv | tail -n 2) <(cut -d, -f4 one/summary.csv | tail -n 2) 1e-5
    done
}

@test "sync_bn=1 changes nothing on one rank" {
    "$TRAIN" sync.cfg --out sync --quiet >/dev/null
    "$TRAIN" tiny.cfg --out tiny --quiet >/dev/null
    same_result sync tiny
}

@test "the same ranks train the same again, byte for byte" {
    for run in one two; do
        ranks 3 "$TRAIN" tiny.cfg --out $run --quiet >/dev/null
    done
    same_result one two
    "$TRAIN" tiny.cfg --out alone --quiet >/dev/null
    run same_result one alone # statistics of a third of the batch are others
    [ "$status" -ne 0 ]
}

@test "a run goes on with another number of ranks" {
    make_cfg sync epochs=40 seed=3 learning_rate=0.05 policy=cosine sync_bn=1
    kill_a_rank run '[ -e run/checkpoint.bin ]' "$TRAIN" sync.cfg --out run --quiet --checkpoint-batches 40
    cp -r run copy
    "${RANKS[@]}" -n 2 "$TRAIN" sync.cfg --out run --resume --darknet-log >two.log 2>err.txt
    "$TRAIN" sync.cfg --out copy --resume --darknet-log >one.log
    [ "$(losses one.log | wc -l)" -gt 20 ]
    close_to <(losses two.log | head -n 20) <(losses one.log | head -n 20) 1e-5
    diff <(cut -d' ' -f1 two.log | head -n 20) <(cut -d' ' -f1 one.log | head -n 20)
    [ "$(manifest status run)" = finished ]
    "$TRAIN" sync.cfg --out run --resume | grep 'is finished'
}

# kill_a_rank DIRECTORY CONDITION COMMAND...: starts the command with 3 ranks and kills one of them, drawn at random, as
# soon as the condition holds. Removes the directory and begins anew as often as the job came to its end before.
kill_a_rank() {
    local directory=$1 condition=$2 victims struck
    shift 2
    for _ in $(seq 50); do
        "${RANKS[@]}" -n 3 "$@" >out.txt 2>err.txt 3>&- &
        JOB=$!
        wait_until "$condition" $JOB || true
        mapfile -t victims < <(pids_of $JOB)
        struck=0
        [ ${#victims[@]} -eq 0 ] || ! kill -KILL "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null || struck=1
        # mpirun 4.1 has been seen to stay when all its processes are gone; how often was not counted. await kills it.
        await $JOB || { [ $struck -eq 1 ] && return; }
        [ $struck -eq 0 ] || [ $status -ne 137 ] || ! grep -q 'signal 9' err.txt || return 0
        [ $status -eq 0 ] || break
        rm -rf "$directory"
    done
    echo "no rank was killed at work; the last job ended with $status"
    cat err.txt
    return 1
}

@test "killed at random moments and resumed, the ranks end with the same bytes" {
    ranks 3 "$TRAIN" tiny.cfg --epochs 12 --out whole --quiet --checkpoint-batches 5 >/dev/null
    wanted=3
    [ -z "${MARGINALIA_LONG-}" ] || wanted=20
    for _ in $(seq $wanted); do
        after=$((1 + RANDOM % 300)) # of 384 batches
        echo "killed after $after batches"
        kill_a_rank run "[ \"\$(grep -c ' images\$' out.txt)\" -ge $after -a -n \"\$(pids_of \$JOB)\" ]" \
            "$TRAIN" tiny.cfg --epochs 12 --out run --darknet-log --checkpoint-batches 5
        ranks 3 "$TRAIN" tiny.cfg --epochs 12 --out run --quiet --checkpoint-batches 5 \
            $([ -e run ] && echo --resume) >/dev/null
        same_result run whole
        [ -z "$(find run -name '*.tmp-*')" ]
        rm -rf run
    done
}

# Starts long.cfg with 3 ranks, and waits until it trains.
start_long() {
    "${RANKS[@]}" -n 3 "$TRAIN" long.cfg --out run --darknet-log "$@" >out.txt 2>err.txt 3>&- &
    JOB=$!
    wait_until "grep -q ' images$' out.txt" $JOB
}

@test "SIGTERM to one rank stops all with a checkpoint and status 75" {
    for victim in 1 3; do
        start_long $([ $victim = 1 ] || echo --resume)
        kill -TERM "$(pids_of $JOB | sed -n ${victim}p)"
        await $JOB # they would go on for hours
        cat err.txt
        [ $status -eq 75 ]
        [ "$(manifest status run)" = interrupted ]
        [ "$(grep -c 'interrupted in epoch' err.txt)" -eq 1 ]
        grep -q 'continue with: mpirun -n 3 .*train long.cfg .*--resume' err.txt
        rm out.txt
    done
}

# On SIGTERM mpirun hears no more of what its ranks print; so they print nothing here.
@test "what mpirun is told reaches the ranks: SIGUSR1 with status 75, SIGTERM with a checkpoint, too" {
    for signal in USR1 TERM; do
        for patience in 4 16 64; do # seconds before SIGTERM is passed on, and after it; a busy machine needs more
            rm -rf $signal
            "${RANKS[@]}" --mca odls_base_sigkill_timeout $patience -n 3 "$TRAIN" long.cfg --out $signal --quiet \
                >/dev/null 2>err.txt 3>&- &
            job=$!
            wait_for $signal/checkpoint.bin $job
            kill -$signal $job
            await $job
            [ "$(manifest status $signal)" != interrupted ] || break
        done
        cat err.txt
        [ "$(manifest status $signal)" = interrupted ]
        [ $status -eq $([ $signal = USR1 ] && echo 75 || echo 1) ]
    done
}

@test "ranks share the processors of their machine" {
    cpus=$(nproc)
    ranks 2 "$TRAIN" tiny.cfg --out run --quiet --epochs 1 >/dev/null
    [ "$(manifest threads run)" -eq $((cpus / 2 > 1 ? cpus / 2 : 1)) ]
}

# `refused STATUS TEXT COMMAND...`: it ends with this status and says this, in one line and once.
refused() {
    local wanted=$1 text=$2
    shift 2
    run --separate-stderr timeout 60 "$@"
    echo "$status: $stderr"
    [ "$status" -eq "$wanted" ]
    [ "$(grep -c '^train: ' <<<"$stderr")" -eq 1 ]
    grep -q "^train: $text" <<<"$stderr"
}

@test "ranks with different cfgs, data or options are refused" {
    sed 's/^seed=3/seed=4/' tiny.cfg >other.cfg
    refused 2 'rank 1 has another cfg than rank 0; start all ranks with the same' \
        "${RANKS[@]}" -n 1 "$TRAIN" tiny.cfg --out run : -n 1 "$TRAIN" other.cfg --out run
    sed 's/seed = 5/seed = 6/' tiny.conf >other.conf
    mkdir elsewhere
    cp tiny.cfg elsewhere/
    cp other.conf elsewhere/tiny.conf
    refused 2 'rank 1 has another data set than rank 0' \
        "${RANKS[@]}" -n 1 "$TRAIN" tiny.cfg --out "$PWD/run" : -n 1 -wdir "$PWD/elsewhere" "$TRAIN" tiny.cfg \
        --out "$PWD/run"
    refused 2 'rank 1 has another set of options than rank 0' \
        "${RANKS[@]}" -n 1 "$TRAIN" tiny.cfg --out run : -n 1 "$TRAIN" tiny.cfg --out run --limit-train 100
    [ ! -e run ]
}

@test "more ranks than images in a batch are refused" {
    sed 's/^batch=16/batch=2/' tiny.cfg >two.cfg
    refused 2 'two.cfg: a batch of 2 images cannot be divided among 3 ranks; start at most 2' \
        "${RANKS[@]}" -n 3 "$TRAIN" two.cfg --out run
    refused 2 'tiny.cfg: a batch of 1 images cannot' "${RANKS[@]}" -n 2 "$TRAIN" tiny.cfg --out run --limit-train 1
    [ ! -e run ]
}

@test "subdivisions and ensembles are refused with the way out" {
    sed 's/^batch=16/batch=16\nsubdivisions=2/' tiny.cfg >parts.cfg
    refused 2 'parts.cfg: subdivisions=2 and 2 ranks both divide the batch; set subdivisions=1' \
        "${RANKS[@]}" -n 2 "$TRAIN" parts.cfg --out run
    printf '\n[ensemble]\nmembers=2\n' | cat tiny.cfg - >both.cfg
    refused 2 'both.cfg: the members of an ensemble train beside each other, not in ranks; .*--member K' \
        "${RANKS[@]}" -n 2 "$TRAIN" both.cfg --out run
    [ ! -e run ]
    for k in 1 2; do
        ranks 2 "$TRAIN" both.cfg --member $k --out run --epochs 1 --quiet >out.txt
    done
    [ -e run/ensemble.conf ]
    [ "$(manifest status run)" = finished ]
}

@test "a run directory that the ranks do not share is refused" {
    mkdir rank_0 rank_1
    for r in 0 1; do cp tiny.conf tiny.cfg rank_$r; done
    refused 2 'run: rank 1 on .* does not see what rank 0 writes there; name a directory that all hosts share' \
        "${RANKS[@]}" -n 1 -wdir "$PWD/rank_0" "$TRAIN" tiny.cfg --out run : -n 1 -wdir "$PWD/rank_1" "$TRAIN" \
        tiny.cfg --out run
    [ ! -e rank_0/run ]
    [ ! -e rank_1/run ]
}

@test "a rank that cannot go on says why, and ends the others" {
    refused 2 'gone.cfg: ' "${RANKS[@]}" -n 1 "$TRAIN" tiny.cfg --out run : -n 1 "$TRAIN" gone.cfg --out run
    refused 2 'tiny.cfg: --seed' "${RANKS[@]}" -n 2 "$TRAIN" tiny.cfg --seed x ||
        refused 2 '.*--seed x' "${RANKS[@]}" -n 2 "$TRAIN" tiny.cfg --seed x
    refused 2 'run: already exists' sh -c "mkdir run && touch run/mine && ${RANKS[*]} -n 2 $TRAIN tiny.cfg --out run"
}

@test "help, version and dry run are printed once" {
    [ "$(ranks 3 "$TRAIN" --version | wc -l)" -eq 1 ]
    [ "$(ranks 3 "$TRAIN" tiny.cfg --dry-run | grep -c '^run directory')" -eq 1 ]
}
