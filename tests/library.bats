#!/usr/bin/env bats
# The library as somebody else uses it: installed, and linked to a program of their own.

setup_file() {
    cd "$BATS_TEST_DIRNAME/.."
    make --no-print-directory install DESTDIR="$BATS_FILE_TMPDIR" PREFIX=/usr >/dev/null
    make --no-print-directory uninstall DESTDIR="$BATS_FILE_TMPDIR/none" PREFIX=/usr >/dev/null
}

@test "the example finds the sufficient subset of a function that is no network" {
    root=$BATS_FILE_TMPDIR/usr
    gcc -std=c11 -Wall -Wextra -Werror -I"$root/include/marginalia" examples/sis_of_a_function.c \
        -L"$root/lib" -lmarginalia -lm -o "$BATS_TEST_TMPDIR/example"
    run "$BATS_TEST_TMPDIR/example"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "0.50: good not" ]
    [ "${lines[1]}" = "0.80: good not cold" ]
    [ "${lines[2]}" = "0.95: no subset, the whole does not reach it" ]
    [ "${#lines[@]}" -eq 3 ]
}

@test "every installed header compiles alone" {
    cd "$BATS_FILE_TMPDIR/usr/include/marginalia"
    for header in $(find . -name '*.h'); do
        echo "$header"
        gcc -std=c11 -Wall -Wextra -Werror -fsyntax-only -I. -x c "$header"
    done
}

@test "uninstall takes away what install put there" {
    make --no-print-directory uninstall DESTDIR="$BATS_FILE_TMPDIR" PREFIX=/usr >/dev/null
    run find "$BATS_FILE_TMPDIR/usr" -type f
    echo "$output"
    [ -z "$output" ]
}
