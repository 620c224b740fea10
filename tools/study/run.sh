# Runs the chosen steps, as many at a time as there are threads. Sourced by tools/reproduce.
#
# A step's commands run one after another. What runs is told when the shell dies that started it, however it dies: it
# then writes what it has and ends, so that the same command line goes on from there.
#
# shellcheck shell=bash disable=SC2154,SC2034 # reproduce and steps.sh

free=         # threads that are idle
declare -A process=()   # pid -> step
declare -A given=()     # step -> its threads
declare -A position=()  # step -> number of the command that runs
stopped=

now() { echo $((${EPOCHREALTIME/./} / 1000)); } # milliseconds

# Adds to OUT/STEP.seconds the time since OUT/STEP.begun, up to `end`, and removes that mark.
add_time() { # step end
    local begun before=0
    begun=$(cat "$OUT/$1.begun" 2>/dev/null) || return 0
    [ ! -s "$OUT/$1.seconds" ] || before=$(cat "$OUT/$1.seconds")
    awk -v b="$before" -v from="$begun" -v to="$2" 'BEGIN { t = (to - from) / 1000; printf "%.1f\n", b + (t > 0 ? t : 0) }' \
        >"$OUT/.$1.new" && mv "$OUT/.$1.new" "$OUT/$1.seconds" && rm -f "$OUT/$1.begun"
}

# A part of a step that was killed together with us: its time ends with its last sign of life.
settle_killed() { # step
    local last
    [ -e "$OUT/$1.begun" ] || return 0
    last=$(find "$OUT/$1" "$OUT/$1.log" "$OUT/$1.begun" -type f -printf '%T@\n' 2>/dev/null | sort -n | tail -n 1)
    add_time "$1" "$(awk -v t="$last" 'BEGIN { printf "%.0f", t * 1000 }')"
}

describe_machine() { # step
    {
        printf 'processor: %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
        printf 'processors: %s\nthreads: %s\n' "$(nproc)" "${given[$1]}"
        printf 'isa: %s\n' "$(grep -ow -m 1 -e avx512f -e avx2 /proc/cpuinfo | sort -r | head -n 1)"
        printf 'revision: %s\ndate: %s\n' "$("$BIN/validate" --version | sed 's/.* //')" "$(date -u +%FT%TZ)"
    } >"$OUT/$1.machine"
}

# The command as it is started now: with this step's threads, the data where they are, and with --resume where it was
# interrupted.
prepare() { # step line; sets words and target
    local i
    parse "$2"
    for ((i = 0; i < ${#words[@]}; i++)); do
        [ "${words[i]}" != --threads ] || words[i + 1]=${given[$1]}
        [[ ${words[i]} != data/* || ${words[i - 1]} == --out ]] || words[i]=$DATA/${words[i]#data/}
    done
    case ${words[0]##*/}\ ${words[1]} in
    train\ *) [ ! -e "$target/lock" ] || words+=(--resume) ;;
    validate\ *) [ -z "$(ls -A "$target" 2>/dev/null)" ] || words+=(--resume) ;;
    make-ensemble\ *) [ ! -e "$target" ] || words+=(--overwrite) ;;
    esac
}

# Starts the step's next unfinished command; false when there is none.
launch() { # step
    local words target line lines
    mapfile -t lines <<<"${commands[$1]%$'\n'}"
    for (( ; position[$1] < ${#lines[@]}; position[$1]++)); do
        line=${lines[position[$1]]}
        finished "$line" && continue
        prepare "$1" "$line"
        quote "${words[@]}"
        printf '$ %s\n' "$quoted" >>"$OUT/$1.log"
        case $line in
        *' > '*)
            mkdir -p "$(dirname "$target")"
            setpriv --pdeathsig TERM "${words[@]}" >"$target.part" 2>>"$OUT/$1.log" & ;;
        *)
            setpriv --pdeathsig TERM "${words[@]}" >>"$OUT/$1.log" 2>&1 & ;;
        esac
        process[$!]=$1
        [ -z "$stopped" ] || kill -TERM $! 2>/dev/null
        return 0
    done
    return 1
}

begin() { # step threads
    given[$1]=$2 position[$1]=0 state[$1]=running
    free=$((free - $2))
    say "begins  $1 ($2 thread$([ "$2" -eq 1 ] || echo s), about ${minutes[$1]} min)"
    settle_killed "$1"
    rm -f "$OUT/$1.taken" # of a network that was to be taken, and never was
    printf '%s' "${commands[$1]}" | sed "s/ --threads [0-9]*/ --threads $2/" >"$OUT/$1.command"
    describe_machine "$1"
    now >"$OUT/$1.begun"
    launch "$1" || end "$1" 'done'
}

end() { # step state [reason]
    state[$1]=$2 reason[$1]=${3-}
    free=$((free + given[$1]))
    add_time "$1" "$(now)"
    case $2 in
    'done') say "done    $1 ($(cat "$OUT/$1.seconds") s)" ;;
    *) say "$2  $1${3:+: $3}" ;;
    esac
    write_steps
}

# A process has ended: its step goes on, or has ended too.
settle() { # pid status
    local s=${process[$1]} words target lines good=0
    unset "process[$1]"
    mapfile -t lines <<<"${commands[$s]%$'\n'}"
    parse "${lines[position[$s]]}"
    [[ ${lines[position[$s]]} != *' > '* || $2 -ne 0 ]] || mv "$target.part" "$target"
    case ${words[0]##*/}\ ${words[1]} in
    validate\ sis) ;;
    validate\ *) good=0134 ;; # a verdict is a result, and so is a report on what could not be judged
    esac
    if [ -n "$stopped" ]; then
        look_at "$s"
        end "$s" "${state[$s]}"
    elif [[ $2 == [$good] ]] && finished "${lines[position[$s]]}"; then
        launch "$s" || end "$s" 'done'
    else
        end "$s" failed "status $2; $(tail -n 1 "$OUT/$s.log")"
    fi
}

# Whether the step may start: 0 yes, 1 not yet, 2 never, for something that it needs is not there.
ready() { # step
    local n
    for n in ${need[$1]}; do
        case ${state[$n]} in
        'done') ;;
        missing | interrupted | running) return 1 ;;
        *)
            reason[$1]="needs $n"
            return 2 ;;
        esac
    done
}

# Starts what can be started: in the order of the rounds, one thread or all that are idle each.
start_steps() {
    local s may
    for s in "${wanted[@]}"; do
        [ "$free" -gt 0 ] && [ -z "$stopped" ] || return
        [[ ${state[$s]} == missing || ${state[$s]} == interrupted ]] || continue
        may=0
        ready "$s" || may=$?
        case $may-${kind[$s]} in
        1-*) ;;
        2-*) state["$s"]=blocked ;;
        0-one) begin "$s" 1 ;;
        0-all) begin "$s" "$free" ;;
        0-alone)
            [ ${#process[@]} -eq 0 ] || return
            begin "$s" "$free" ;;
        esac
    done
}

# Waits for a twentieth of a second; less when we are told to stop, or whoever would tell us is gone.
pause() {
    local status=0
    if [ -z "$stopped" ]; then
        read -r -t 0.05 -u "$orders" || status=$?
        [ "$status" -le 128 ] || return 0 # the time is over
        stopped=1
        [ ${#process[@]} -eq 0 ] || kill -TERM "${!process[@]}" 2>/dev/null
    else
        sleep 0.05
    fi
}

run_steps() {
    local pid status
    free=$threads
    start_steps
    while [ ${#process[@]} -gt 0 ]; do
        for pid in "${!process[@]}"; do
            kill -0 "$pid" 2>/dev/null && continue
            status=0
            wait "$pid" || status=$?
            settle "$pid" "$status"
        done
        start_steps
        pause
    done
}

# Runs a function in a process of its own, told of signals through `orders`; ends with its status. A bash that catches
# signals itself dies of one that comes while it reads a $(...) which it is about to run (5.2: "unexpected EOF while
# looking for matching"), so this one does nothing but wait.
supervise() { # function
    local tell worker status
    exec {tell}> >(
        trap '' INT # of a Ctrl-C, which reaches all; of a signal that kills it, our children are told
        exec {orders}<&0 </dev/null
        "$1"
    )
    worker=$!
    trap '' PIPE
    trap 'echo stop >&"$tell"' INT TERM HUP
    while # a signal ends the waiting, and the work goes on
        status=0
        wait "$worker" || status=$?
        kill -0 "$worker" 2>/dev/null
    do :; done
    [[ $status != [0-3] ]] || exit "$status"
    echo 'reproduce: interrupted; the same command continues' >&2
    exit 75
}

# Takes away the results of the named steps and of all that were made of them.
redo() { # pattern...
    local s n pattern
    local -A again=()
    for s in "${steps[@]}"; do
        for pattern; do
            # shellcheck disable=SC2053 # a pattern
            [[ $s != $pattern ]] || again[$s]=1
        done
        for n in ${need[$s]}; do [ -z "${again[$n]-}" ] || again[$s]=1; done
    done
    for s in "${steps[@]}"; do
        if [ -z "${again[$s]-}" ] || [ "${state[$s]}" = missing ]; then continue; fi
        say "removed $s, to be made again"
        rm -rf "${OUT:?}/$s" "$OUT/$s".{command,seconds,machine,log,begun,taken}
        state["$s"]=missing
    done
}
