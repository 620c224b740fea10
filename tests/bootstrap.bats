#!/usr/bin/env bats
# tools/bootstrap with stand-ins for apt-get, dpkg-query, id and sudo; nothing is installed here.

setup() {
    fake=$BATS_TEST_TMPDIR/bin
    log=$BATS_TEST_TMPDIR/log
    mkdir "$fake"
    touch "$log"
    for tool in bash awk grep sed; do ln -s "$(command -v $tool)" "$fake/$tool"; done
    tool dpkg-query 'case ${*: -1} in bats|gcc) exit 1 ;; *) printf installed ;; esac'
    tool apt-get "echo \"apt-get \$*\" >>$log"
    tool id 'echo 0'
}

tool() { # name body
    printf '#!/bin/bash\n%s\n' "$2" >"$fake/$1"
    chmod +x "$fake/$1"
}

bootstrap() {
    PATH=$fake run tools/bootstrap "$@"
    echo "$output"
}

@test "when nothing is missing nothing is said and nothing is run" {
    tool dpkg-query 'printf installed'
    bootstrap
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    [ ! -s "$log" ]
}

@test "only what is missing is installed, and named before" {
    bootstrap
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == "missing packages: gcc bats" ]]
    grep -qx 'apt-get install -y --no-install-recommends gcc bats' "$log"
    [ "$(wc -l <"$log")" -eq 2 ] # a simulation and the installation, no update
}

@test "a dry run installs nothing" {
    bootstrap --dry-run
    [ "$status" -eq 0 ]
    [[ $output == *"gcc bats"* ]]
    [ ! -s "$log" ]
}

@test "the developers' packages come only with --all" {
    tool dpkg-query 'exit 1'
    bootstrap --dry-run
    [[ $output != *gcovr* ]]
    bootstrap --dry-run --all
    [[ $output == *gcovr* ]]
}

@test "Slurm comes only with --slurm, beside what is needed" {
    tool dpkg-query 'exit 1'
    bootstrap --dry-run --all
    [[ $output != *slurm-wlm* ]]
    bootstrap --dry-run --slurm
    [[ $output == *" gcc "*" slurm-wlm munge"* && $output != *gcovr* ]]
}

@test "package lists that do not know a package are updated first" {
    tool apt-get "echo \"apt-get \$*\" >>$log; [[ \$* != *--simulate* ]]"
    bootstrap
    [ "$status" -eq 0 ]
    [ "$(sed -n 2p "$log")" = "apt-get update" ]
}

@test "package lists that are too old are updated after a failure" {
    tool apt-get "echo \"apt-get \$*\" >>$log; [[ \$* != 'install -y'* ]] || grep -q update $log"
    bootstrap
    [ "$status" -eq 0 ]
    [ "$(tail -n 2 "$log" | head -n 1)" = "apt-get update" ]
}

@test "a failed installation is reported" {
    tool apt-get 'exit 100'
    bootstrap
    [ "$status" -eq 3 ]
    [[ $output == *"installation failed"* ]]
}

@test "a system that is not Debian gets the list" {
    rm "$fake/dpkg-query"
    bootstrap
    [ "$status" -eq 3 ]
    [[ $output == *"not Debian"*libdnnl-dev* ]]
}

@test "without rights the line for the administrator is shown" {
    tool id 'echo 1000'
    bootstrap
    [ "$status" -eq 3 ]
    [[ $output == *"apt-get install"*"gcc bats"* ]]
    [ ! -s "$log" ]
}

@test "sudo is used when there is one" {
    tool id 'echo 1000'
    tool sudo 'echo "sudo $*" >>'"$log"'; "$@"'
    bootstrap
    [ "$status" -eq 0 ]
    grep -qx 'sudo apt-get install -y --no-install-recommends gcc bats' "$log"
}

@test "an unknown argument is refused" {
    bootstrap --al
    [ "$status" -eq 2 ]
}

@test "every line of the list names a group and a package" {
    run awk '!/^#/ && !($1 ~ /^(need|develop|slurm)$/ && $2 ~ /^[a-z0-9][a-z0-9+.-]+$/)' tools/packages
    [ -z "$output" ]
}
