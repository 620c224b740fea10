#!/usr/bin/env bats
# base/ranks under mpirun.
load mpi_fixture

setup() {
    use_mpi
    cd "$BATS_TEST_DIRNAME/.."
    case ${BIN:-bin} in
    */bin) build=${BIN%/bin} ;;
    *) build=build/release ;;
    esac
    PROBE=$build/tests/probe_ranks
}

@test "2, 3 and 4 ranks tell each other what they promise" {
    for n in 2 3 4; do
        run timeout 60 "${RANKS[@]}" -n $n "$PROBE" all
        echo "$n ranks: $output"
        [ "$status" -eq 0 ]
        [ "$(grep -c '^ok' <<<"$output")" -eq 14 ]
    done
}

@test "a rank that leaves alone takes the others with it" {
    run timeout 60 "${RANKS[@]}" -n 3 "$PROBE" alone
    echo "$output"
    [ "$status" -eq 3 ]
    [[ $output != *"passed a barrier"* ]]
}

@test "ranks that leave together do so with their status" {
    run timeout 60 "${RANKS[@]}" -n 3 "$PROBE" together
    echo "$output"
    [ "$status" -eq 75 ]
    [[ $output != *MPI_ABORT* ]]
}

@test "a killed rank ends the job" {
    run timeout 60 "${RANKS[@]}" -n 3 "$PROBE" killed
    echo "$output"
    [ "$status" -eq 137 ]
    [[ $output == *"process rank 2"*"signal 9"* ]]
    [[ $output != *"passed a barrier"* ]]
}

@test "one rank under mpirun is a program started alone" {
    run timeout 60 "${RANKS[@]}" -n 1 "$PROBE" together
    [ "$status" -eq 75 ]
}
