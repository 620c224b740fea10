# For tests of several ranks. `ranks N PROGRAM...` starts them on this machine, however few processors it has.

use_mpi() {
    command -v mpirun >/dev/null || skip "mpirun is not installed"
    # Open MPI itself leaves memory behind at its end; the leak sanitizer is told which.
    export LSAN_OPTIONS="suppressions=$(realpath "$BATS_TEST_DIRNAME")/mpi_leaks.txt:print_suppressions=0"
    RANKS=(mpirun --oversubscribe --allow-run-as-root)
}

ranks() {
    local n=$1
    shift
    "${RANKS[@]}" -n "$n" "$@"
}
