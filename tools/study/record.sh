# What was run before or elsewhere: the page keeps its results on record, and the networks that other steps read.
# Sourced by tools/reproduce.
#
# shellcheck shell=bash disable=SC2154,SC2034 # reproduce and steps.sh

RECORD=$PAGE/results/record NETWORKS=$PAGE/results/networks
largest_network=$((4 << 20)) # bytes; more is not for a repository

# Whether the step's results are there, made by the same commands.
on_record() { # step
    local text line
    [ -e "$RECORD/$1.json" ] || return 1
    text=$(<"$RECORD/$1.json")
    while read -r line; do
        json_text "$line"
        [[ $text == *"$json"* ]] || return 1
    done <<<"${commands[$1]%$'\n'}"
}

# Sets `patterns` to the steps that are not, and ends the program when there is none.
name_missing() {
    local s
    for s in "${steps[@]}"; do
        if [ "${round[$s]}" -ge 9 ] && [ -z "$long" ]; then continue; fi
        on_record "$s" || patterns+=("$s")
    done
    [ ${#patterns[@]} -gt 0 ] || {
        say "no step is missing on record"
        exit 0
    }
}

# Whether a training need not be run for the steps that read its network.
can_take() { # step
    [ -z "${named[$1]-}" ] && [[ ${state[$1]} == missing ]] && [ -s "$NETWORKS/$1/final.weights" ] && on_record "$1"
}

# Such a network as if it had been trained here; OUT/STEP.taken tells that it was not.
take() { # step
    can_take "$1" || return 0
    say "taken   $1 from $NETWORKS"
    rm -rf "$OUT/.$1.new"
    : >"$OUT/$1.taken" && cp -R "$NETWORKS/$1" "$OUT/.$1.new" && mv "$OUT/.$1.new" "$OUT/$1" &&
        printf '%s' "${commands[$1]}" >"$OUT/$1.command" || fail 3 "$OUT/$1: cannot be written"
    state["$1"]='done'
}

is_taken() { [ "${state[$1]}" = 'done' ] && [ -e "$OUT/$1.taken" ]; } # step

# Puts the networks that were trained here, and that other steps read, beside the record.
keep_networks() {
    local s n file new
    local -A read=()
    for s in "${steps[@]}"; do
        for n in ${need[$s]}; do read[$n]=1; done
    done
    for s in "${!read[@]}"; do
        file=$OUT/$s/final.weights new=$NETWORKS/.$s.new
        if [ "${state[$s]}" != 'done' ] || is_taken "$s" || [ ! -s "$file" ]; then continue; fi
        if [ "$(stat -c %s "$file")" -gt $largest_network ] || cmp -s "$file" "$NETWORKS/$s/final.weights"; then
            continue
        fi
        rm -rf "$new" && mkdir -p "$new" && cp "$OUT/$s"/{manifest.json,resolved.cfg,final.weights} "$new" &&
            rm -rf "${NETWORKS:?}/$s" && mv "$new" "$NETWORKS/$s" || return 1
    done
}
