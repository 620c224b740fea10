# tools/power: what it writes of the verdicts on its made-up sets.

load train_fixture

setup() {
    use_own_directory
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    case $(dirname "$TRAIN") in
    */build/*) POWER=$(dirname "$TRAIN")/../tools/power ;;
    *) POWER=$ROOT/build/release/tools/power ;;
    esac
}

power() { # option...; in the root, where the policies are
    (cd "$ROOT" && "$POWER" "$@")
}

# The numbers behind a key, a line for each strength.
numbers() { # file key
    sed -n "s/^ *\"$2\": \([-0-9.e+]*\),*$/\1/p" "$1"
}

@test "a strength has the mean of its sets, and the standard error of that mean" {
    power rubbish --sets 2 --seed 1 --json "$PWD/both.json" >/dev/null
    for seed in 1 2; do power rubbish --sets 1 --seed $seed --json "$PWD/$seed.json" >/dev/null; done
    [ "$(grep -c '"mean_value_error": null' 1.json)" -ge 4 ] # one set says nothing of it
    paste <(numbers both.json mean_value) <(numbers both.json mean_value_error) <(numbers 1.json mean_value) \
        <(numbers 2.json mean_value) >table.txt
    cat table.txt
    awk 'function is(a, b) { d = a - b; return d < 1e-9 && d > -1e-9 }
        { apart = $3 - $4; if (apart < 0) apart = -apart; varied += apart > 0 }
        NF != 4 || !is($1, ($3 + $4) / 2) || !is($2, apart / 2) { wrong = 1 }
        END { exit wrong || NR < 4 || !varied }' table.txt
}

@test "what is counted, without an interval, is told from what is estimated" {
    power class.balance --sets 1 --json "$PWD/counted.json" >/dev/null
    [ "$(grep -c '"counted": true' counted.json)" -ge 4 ]
    run ! grep -q '"counted": false' counted.json
    power rubbish --sets 1 --json "$PWD/estimated.json" >/dev/null
    grep -q '"counted": false' estimated.json
}
