# shellcheck shell=sh
# Our own programs on the parts of one state folder: the simulated card provider, the server, the jobs service.

BIN=$ROOT/target/debug

# optimised: builds and uses the release profile from here on, for what is measured.
optimised() { BIN=$ROOT/target/release; }

# build_programs: the dev profile unless optimised; it builds in a fraction of the release profile's time.
build_programs() {
    set --
    [ "$BIN" != "$ROOT/target/release" ] || set -- --release
    # Cargo draws its own progress on a terminal.
    cargo build --locked --workspace --bins "$@" >&2 || die "the build failed"
}

service_ports() {
    if [ -s "$1/service.ports" ]; then
        _taken=''
        while read -r _p; do port_is_free "$_p" </dev/null || _taken=yes; done <"$1/service.ports"
        [ -n "$_taken" ] || return 0
    fi
    free_ports "$2" 3 >"$1/service.ports"
}

server_url() { printf 'http://127.0.0.1:%s\n' "$(sed -n 1p "$1/service.ports")"; }
jobs_url() { printf 'http://127.0.0.1:%s\n' "$(sed -n 2p "$1/service.ports")"; }
paysim_url() { printf 'http://127.0.0.1:%s\n' "$(sed -n 3p "$1/service.ports")"; }

# become_program DIR MODE USER COMMAND...: makes this shell one of our programs, with its environment; for run_child.
become_program() {
    program_env "$1" "$2" "$3"
    shift 3
    exec "$@"
}

# as_program DIR MODE USER COMMAND...: runs one of our programs with its environment; this shell's own stays as it is.
as_program() (become_program "$@")

# prepare_data DIR MODE: migrations and indexes.
prepare_data() {
    step "Migrations" as_program "$1" "$2" daraa_migrator "$BIN/daraa-server" db migrate
    step "Indexes" apply_indexes "$1" "$2"
}

# apply_indexes DIR MODE: a line an index the first time; only the last of them says all.
apply_indexes() {
    as_program "$1" "$2" daraa_migrator "$BIN/daraa-server" indexes apply >"$1/indexes.log" 2>&1 || {
        show_log "$1/indexes.log"
        die "the indexes could not be made"
    }
    note "$(tail -n 1 "$1/indexes.log")"
}

is_ready() { curl -fsS -m 2 -o /dev/null "$1/health/ready" 2>/dev/null; }

# service_ready NAME PIDFILE LOG URL: waits until it says ready; fails at once when it died.
service_ready() {
    ready_or_dead() { is_ready "$_svc_url" || ! is_running "$_svc_pid"; }
    _svc_pid=$2 _svc_url=$4
    if ! wait_for 60 "$1 to be ready" ready_or_dead || ! is_running "$2"; then
        show_log "$3"
        die "$1 did not become ready; its log: $3"
    fi
}

# services_start DIR MODE: provider, server, jobs; ends when both services say ready.
services_start() {
    (
        program_env "$1" "$2" daraa_app
        start_detached "$1/paysim.pid" "$1/paysim.log" "$BIN/daraa-paysim" --listen "${DARAA_PAY_URL#http://}" \
            --webhook-url "$(server_url "$1")/webhooks/pay" --key-file "$1/secrets/pay_webhook_key" --log "$1/paysim.jsonl"
        start_detached "$1/server.pid" "$1/server.log" "$BIN/daraa-server" serve
        export DARAA_MONGO_USER=daraa_jobs
        start_detached "$1/jobs.pid" "$1/jobs.log" "$BIN/daraa-jobs" serve
    )
    service_ready "the server" "$1/server.pid" "$1/server.log" "$(server_url "$1")"
    service_ready "the jobs service" "$1/jobs.pid" "$1/jobs.log" "$(jobs_url "$1")"
}

# services_alive DIR: names the first that ended by itself.
services_alive() {
    for _s in server jobs paysim; do
        is_running "$1/$_s.pid" || {
            show_log "$1/$_s.log"
            say "error: $_s ended by itself; its log: $1/$_s.log"
            return 1
        }
    done
}

services_stop() {
    stop_process "jobs" "$1/jobs.pid" 20
    stop_process "server" "$1/server.pid" 20
    stop_process "paysim" "$1/paysim.pid" 5
}

# parts_start DIR [--test-users]: MongoDB and Redis.
parts_start() {
    step "MongoDB replica set and its users" mongo_start "$1" "${2:-}"
    step "Redis" redis_start "$1"
}

parts_stop() {
    redis_stop "$1"
    mongo_stop "$1"
}
