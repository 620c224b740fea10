# For tests of several ranks. `ranks N PROGRAM...` starts them on this machine, however few processors it has.

use_mpi() {
    command -v mpirun >/dev/null || skip "mpirun is not installed"
    # Open MPI leaves memory behind at its end, by code that is gone by then, so that it cannot be told from ours.
    export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0"
    RANKS=(mpirun --oversubscribe --allow-run-as-root)
    # Other tests run beside these: ranks that wait let them, and none is tied to the processor where another's is.
    export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
}

ranks() {
    local n=$1
    shift
    "${RANKS[@]}" -n "$n" "$@"
}
