# What the study is made of: its steps, and how far each has come. Sourced by tools/reproduce.
#
# A section of the study (tools/study/*_*.sh) declares its steps so:
#
#   step NAME ROUND MINUTES KIND     ROUND: those of the first round tell most for their time and are run first; 9: only
#                                    with --long or by name. MINUTES: on two processors. KIND: one (one thread, several
#                                    such steps side by side), all (as many threads as are free), alone (nothing beside
#                                    it)
#   needs NAME...                    steps of which this one reads the results
#   run WORD...                      a command, as one would type it with the data in data/; its --threads and where
#                                    the data really are is set when it is started
#   table FILE WORD...               the same for a program that prints its result: WORD... > FILE
#
# shellcheck shell=bash disable=SC2034,SC2154 # reproduce and run.sh

steps=() # in the order of the study
declare -A section=() round=() minutes=() kind=() need=() commands=() state=() reason=() named=()
step_section=

step() {
    declaring=$1
    steps+=("$1")
    section[$1]=$step_section round[$1]=$2 minutes[$1]=$3 kind[$1]=$4 need[$1]='' commands[$1]=''
}

needs() { need[$declaring]+=" $*"; }

# Sets `quoted` to the words as a shell reads them back. (Into a variable, as json_text: a process for each of hundreds
# of steps would take seconds.)
quote() {
    local word
    quoted=
    for word; do
        [[ $word =~ ^[A-Za-z0-9_.,:=/@%+-]+$ ]] || word=${word@Q}
        quoted+="$word "
    done
    quoted=${quoted% }
}

run() {
    quote "$@"
    commands[$declaring]+=$quoted$'\n'
}

table() {
    local file
    quote "$1"
    file=$quoted
    shift
    quote "$@"
    commands[$declaring]+="$quoted > $file"$'\n'
}

# --- how far a command has come ------------------------------------------------------------------------------------

# Sets `words` to the words of a command line, `target` to the directory, or file, that it makes.
parse() { # line
    local i
    eval "words=(${1% > *})"
    target=
    case $1 in
    *' > '*) eval "target=${1##* > }" ;;
    *make-ensemble\ *) target=${words[1]} ;;
    *) for ((i = 1; i < ${#words[@]}; i++)); do
        [ "${words[i]}" != --out ] || target=${words[i + 1]}
    done ;;
    esac
}

# Each program writes one file last, or says in one how far it is.
finished() { # line
    local words target
    parse "$1"
    case $1 in *' > '*)
        [ -s "$target" ]
        return ;;
    esac
    case ${words[0]##*/}\ ${words[1]} in
    train\ *) grep -q '^  "status": "finished"' "$target/manifest.json" 2>/dev/null ;;
    make-ensemble\ *) [ -s "$target/ensemble.conf" ] ;;
    'validate sis') [ -s "$target/sis.json" ] ;;
    validate\ *) [ -s "$target/report.json" ] ;;
    esac
}

# The same command but for its number of threads, on which no result depends.
without_threads() { sed 's/ --threads [0-9]*//'; }

# The command line in a training's manifest.
manifest_command() { # directory
    sed -n '/^  "command": \[/,/^  \]/s/^    "\(.*\)",\{0,1\}$/\1/p' "$1/manifest.json" 2>/dev/null | paste -s -d ' '
}

# Whether the directory is that of a training that was begun by hand with this step's command, wherever it was then.
by_hand() { # step
    local made
    made=$(manifest_command "$OUT/$1")
    [ -n "$made" ] && diff -q <(without_place <<<"$made") <(without_place <<<"${commands[$1]%$'\n'}") >/dev/null
}

without_place() { without_threads | sed 's/ --out [^ ]*//; s/ --data [^ ]*//'; }

# Such a training is taken for this step's: writes what we would have written beside it.
adopt() { # step
    if [ ! -e "$OUT/$1" ] || [ -e "$OUT/$1.command" ] || ! by_hand "$1"; then return; fi
    printf '%s' "${commands[$1]}" >"$OUT/$1.command"
    sed -n 's/^    "wall_seconds": \([0-9.]*\)$/\1/p' "$OUT/$1/manifest.json" >"$OUT/$1.seconds"
    sed -n 's/^    "processor": "\(.*\)"$/processor: \1/p; s/^    "isa": "\(.*\)",$/isa: \1/p
        s/^  "threads": \(.*\),$/threads: \1/p; s/^    "git_revision": "\(.*\)",$/revision: \1/p
        s/^  "written_utc": "\(.*\)",$/date: \1/p' "$OUT/$1/manifest.json" >"$OUT/$1.machine"
}

# Sets the step's state: done, missing, interrupted, or changed with a reason.
look_at() { # step
    local line done=1
    state[$1]=missing reason[$1]=
    if [ ! -e "$OUT/$1.command" ]; then
        [ -e "$OUT/$1" ] || return 0
        if ! by_hand "$1"; then
            state[$1]=changed
            reason[$1]="$OUT/$1: was not made by this command; give --redo $1, or take it away"
            return 0
        fi
    elif ! diff -q <(without_threads <"$OUT/$1.command") <(printf '%s' "${commands[$1]}" | without_threads) >/dev/null
    then
        state[$1]=changed
        reason[$1]="$OUT/$1.command: has another command than this study; give --redo $1, or another --out"
        return 0
    fi
    state[$1]=interrupted
    while read -r line; do
        finished "$line" || done=
    done <<<"${commands[$1]%$'\n'}"
    [ -z "$done" ] || state[$1]='done'
}

# --- which steps, in which order -----------------------------------------------------------------------------------

# Sets `named` to the steps that match the patterns, without a pattern all, or all but the long ones; and `wanted` to
# these and those that they need.
choose() { # pattern...
    local s n pattern found
    local -A chosen=()
    for pattern; do
        found=
        for s in "${steps[@]}"; do
            # shellcheck disable=SC2053 # a pattern
            [[ $s == $pattern ]] && named[$s]=1 found=1
        done
        [ -n "$found" ] || fail 2 "$pattern: the study has no such step; --list shows them"
    done
    if [ $# -eq 0 ]; then
        for s in "${steps[@]}"; do
            if [ "${round[$s]}" -lt 9 ] || [ -n "$long" ]; then named[$s]=1; fi
        done
    fi
    for s in "${!named[@]}"; do chosen[$s]=1; done
    for ((n = ${#steps[@]} - 1; n >= 0; n--)); do # a step stands behind those that it needs
        s=${steps[n]}
        if [ -z "${chosen[$s]-}" ] || is_taken "$s" || can_take "$s"; then continue; fi
        for s in ${need[$s]}; do chosen[$s]=1; done
    done
    wanted=()
    while read -r _ s; do
        wanted+=("$s")
    done < <(for s in "${steps[@]}"; do [ -z "${chosen[$s]-}" ] || echo "${round[$s]} $s"; done | sort -s -n -k 1,1)
    [ ${#wanted[@]} -gt 0 ]
}

# Says before hours of work, and once, which data the wanted steps would not find.
ask_for_data() {
    local s line words word target name lacking=''
    local -A seen=()
    for s in "${wanted[@]}"; do
        if can_take "$s" || [[ ${state[$s]} == 'done' && (-z $again || -z ${named[$s]-}) ]]; then continue; fi
        while read -r line; do
            parse "$line"
            for word in "${words[@]}"; do
                [[ $word == data/* ]] || continue
                name=${word#data/}
                name=${name%%/*}
                if [ -n "${seen[$name]-}" ] || [ -d "$DATA/$name" ]; then continue; fi
                seen[$name]=1
                lacking+="$DATA/$name: no such directory; $s, for one, needs it; "
                case $name in
                imagenette*) lacking+="docs/results.md, section 6, says how it is made; " ;;
                *) lacking+="run tools/get-dataset $name; " ;;
                esac
            done
        done <<<"${commands[$s]%$'\n'}"
    done
    [ -z "$lacking" ] || fail 3 "${lacking}or say where they are with --data DIR, or name steps that need none of them"
}

# Sets `json` to the text as JSON has it.
json_text() {
    json=${1//\\/\\\\}
    json=\"${json//\"/\\\"}\"
}

# steps.json: every step of the study with its state, for the page.
write_steps() {
    local s line comma='' inner state_now
    {
        printf '{\n  "schema": "marginalia.study/1",\n  "tiny": %s,\n' "$([ -n "$tiny" ] && echo true || echo false)"
        printf '  "written_utc": "%s",\n  "steps": [' "$(date -u +%FT%TZ)"
        for s in "${steps[@]}"; do
            state_now=${state[$s]/blocked/missing}
            ! is_taken "$s" || state_now=taken
            printf '%s\n    { "step": "%s", "section": %d, "state": "%s", "minutes": %s, "command": [' \
                "$comma" "$s" "${section[$s]}" "${state_now/running/interrupted}" "${minutes[$s]}"
            comma=, inner=
            while read -r line; do
                json_text "$line"
                printf '%s\n      %s' "$inner" "$json"
                inner=,
            done <<<"${commands[$s]%$'\n'}"
            printf ' ] }'
        done
        printf '\n  ]\n}\n'
    } >"$OUT/.steps.new"
    mv "$OUT/.steps.new" "$OUT/steps.json" || fail 3 "$OUT/steps.json: cannot be written"
}

list() {
    local s line time state_now total=0 left=0
    for s in "${wanted[@]}"; do
        time="about ${minutes[$s]} min" state_now=${state[$s]}
        [ "$state_now" != 'done' ] || time="$(cat "$OUT/$s.seconds" 2>/dev/null || echo '?') s"
        ! can_take "$s" || state_now='on record'
        printf '%-32s section %s  %-11s  %s\n' "$s" "${section[$s]}" "$state_now" "$time"
        while read -r line; do
            printf '    %s\n' "$line"
        done <<<"${commands[$s]%$'\n'}"
        time=$((60 * minutes[$s]))
        [ "${kind[$s]}" != one ] || time=$((time / threads)) # they run side by side
        total=$((total + time))
        [[ $state_now == 'done' || $state_now == 'on record' ]] || left=$((left + time))
    done
    printf '%d steps, about %d hours in all, %d of them left\n' ${#wanted[@]} $(((total + 1800) / 3600)) \
        $(((left + 1800) / 3600))
}
