# shellcheck shell=sh
# Sourced by every command: messages, timed steps, downloads, free ports and processes of our own.
# Nothing here knows MongoDB, Redis or the services.

set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
STATE=$ROOT/.daraa
PARTS=$STATE/parts
cd "$ROOT"

# Nothing in the state folder is for other users of the machine.
[ -d "$STATE" ] || mkdir -m 0700 "$STATE"
mkdir -p "$PARTS"

# ---- messages: what a person reads goes to stderr, so that a command's stdout stays its own ----

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then
    _bold=$(printf '\033[1m') _dim=$(printf '\033[2m') _red=$(printf '\033[31m') _off=$(printf '\033[0m')
else
    _bold='' _dim='' _red='' _off=''
fi

# err FORMAT ARGUMENT...: printf to stderr. A closed terminal takes nothing any more; that must not end a script which
# still has to stop what it started.
err() {
    # shellcheck disable=SC2059 # the formats are our own
    printf "$@" >&2 || :
}
say() { err '%s\n' "$*"; }
note() { err '%s    %s%s\n' "$_dim" "$*" "$_off"; }
die() {
    err '%serror:%s %s\n' "$_red" "$_off" "$*"
    exit 1
}

now_ms() { date +%s%3N; }

# elapsed START_MS: "0.4 s", "75.0 s".
elapsed() {
    _ms=$(($(now_ms) - $1))
    printf '%d.%d s' $((_ms / 1000)) $((_ms % 1000 / 100))
}

# step "What happens" COMMAND...: says what begins, runs it in this shell, says how long it took.
# The command's own output is the progress.
step() {
    _title=$1
    shift
    err '%s==>%s %s%s%s\n' "$_bold" "$_off" "$_bold" "$_title" "$_off"
    # Steps nest, so the times they began are a stack.
    _begun="$(now_ms) ${_begun:-}"
    "$@"
    note "done in $(elapsed "${_begun%% *}")"
    _begun=${_begun#* }
}

# wait_for SECONDS "what" COMMAND...: repeats the command until it succeeds, with a dot a second.
wait_for() {
    _limit=$1 _what=$2
    shift 2
    _from=$(now_ms) _dots=0
    until "$@"; do
        _passed=$((($(now_ms) - _from) / 1000))
        if [ "$_passed" -ge "$_limit" ]; then
            [ "$_dots" -eq 0 ] || err '\n'
            say "error: $_what: not within $_limit s"
            return 1
        fi
        if [ "$_passed" -gt "$_dots" ]; then
            [ "$_dots" -gt 0 ] || err '    waiting for %s ' "$_what"
            err '.'
            _dots=$_passed
        fi
        sleep 0.1
    done
    [ "$_dots" -eq 0 ] || err '\n'
}

# help_and_exit: prints the comment block at the head of the calling command (from line 2 to the first other line).
help_and_exit() {
    sed -n '2,/^[^#]/{/^#/{s/^# \{0,1\}//;p}}' "$0"
    exit 0
}

have() { command -v "$1" >/dev/null 2>&1; }

# ---- ports ----

# free_ports FIRST COUNT [KEY]: that many ports on 127.0.0.1 nobody listens on, at or above FIRST, one a line. With a
# key the search begins at an offset taken from it, so that several state folders on one machine rarely meet.
free_ports() {
    python3 - "$1" "$2" "${3:-}" <<'PY'
import socket, sys, zlib

first, count = int(sys.argv[1]), int(sys.argv[2])
port, found = first + zlib.crc32(sys.argv[3].encode()) % 90 * 10, 0
while found < count and port < 65536:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            pass
        else:
            print(port)
            found += 1
    port += 1
sys.exit(found < count)
PY
}

port_is_free() {
    python3 - "$1" <<'PY'
import socket, sys

with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", int(sys.argv[1])))
    except OSError:
        sys.exit(1)
PY
}

# ---- processes ----
# A pid file holds "PID START", START being the kernel's start time of that process. A number that was given to
# another process since, or after a reboot, has another start time: it is not ours and is never signalled.

# started_at PID: the start time, or nothing when the process is gone or only waits to be reaped.
started_at() {
    [ -r "/proc/$1/stat" ] || return 0
    # The name in brackets may hold spaces; the state is the field after it, the start time the 20th from there.
    sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" && $1 != "X" { print $20 }'
}

# pid_of PIDFILE: prints the pid when the file names a living process of ours.
pid_of() {
    [ -s "$1" ] || return 1
    read -r _pid _start <"$1" || return 1
    [ -n "${_start:-}" ] && [ "$(started_at "$_pid")" = "$_start" ] || return 1
    printf '%s\n' "$_pid"
}

is_running() { pid_of "$1" >/dev/null; }

# catch_signals: an interrupt, a closed terminal or a closed pipe ends the script through its EXIT trap. The first
# signal silences the rest: a closing terminal sends SIGHUP more than once, and an exit inside the EXIT trap would cut
# it short.
catch_signals() {
    trap 'trap "" HUP INT TERM PIPE; exit 130' INT
    trap 'trap "" HUP INT TERM PIPE; exit 141' PIPE
    trap 'trap "" HUP INT TERM PIPE; exit 143' TERM HUP
}

# begin_stop: called in an EXIT trap as soon as the exit code is kept. From here on nothing cuts the orderly stop short:
# no command that fails, no second Ctrl-C, no closed terminal. Every part has its own deadline.
begin_stop() {
    set +e
    trap - EXIT
    trap '' HUP INT TERM PIPE
    end_child
}

# start_detached PIDFILE LOGFILE COMMAND...: in a session of its own, so that Ctrl-C in the terminal reaches only
# the script, which then stops the parts in order.
start_detached() {
    _pidfile=$1 _log=$2
    shift 2
    # Not between the start and the pid file: a process nobody knows would stay behind.
    _interrupted=''
    trap '_interrupted=yes' INT TERM HUP
    rm -f "$_pidfile"
    [ ! -s "$_log" ] || mv "$_log" "$_log.old"
    # shellcheck disable=SC2016 # expanded by the inner shell
    setsid sh -c '
        pidfile=$1; shift
        start=$(sed "s/^.*) //" "/proc/$$/stat" | cut -d" " -f20)
        printf "%s %s\n" "$$" "$start" >"$pidfile.new" && mv "$pidfile.new" "$pidfile"
        exec "$@"
    ' sh "$_pidfile" "$@" >>"$_log" 2>&1 </dev/null 9>&- &
    _tries=0
    until [ -s "$_pidfile" ]; do
        _tries=$((_tries + 1))
        [ "$_tries" -le 100 ] || die "$1 did not start; see $_log"
        sleep 0.05
    done
    catch_signals
    [ -z "$_interrupted" ] || exit 130
}

# stop_process "name" PIDFILE SECONDS: SIGTERM, then SIGKILL at the deadline. Nothing happens to a stale pid file's number.
stop_process() {
    if _victim=$(pid_of "$2"); then
        kill -TERM "$_victim" 2>/dev/null || :
        _until=$(($(now_ms) + $3 * 1000))
        while is_running "$2"; do
            if [ "$(now_ms)" -ge "$_until" ]; then
                note "$1 did not stop within $3 s: killed"
                kill -KILL "$_victim" 2>/dev/null || :
                wait_for 10 "$1 to end" not is_running "$2" || :
                break
            fi
            sleep 0.05
        done
    fi
    rm -f "$2"
}

not() { ! "$@"; }

# run_child COMMAND...: a long command in the foreground. The shell looks at signals only between commands, so it waits
# here for a child in the background; end_child in the EXIT trap ends it. Signals reach only the child itself, so the
# command is a program, or a function that ends with `exec`.
run_child() {
    "$@" &
    CHILD=$!
    _status=0
    wait "$CHILD" || _status=$?
    CHILD=''
    return "$_status"
}

end_child() {
    [ -n "${CHILD:-}" ] || return 0
    kill -TERM "$CHILD" 2>/dev/null || :
    # Nobody can interrupt this wait, so it has an end: twice the time nextest gives its tests.
    _until=$(($(now_ms) + 20000))
    while [ -n "$(started_at "$CHILD")" ]; do
        if [ "$(now_ms)" -ge "$_until" ]; then
            kill -KILL "$CHILD" 2>/dev/null || :
            break
        fi
        sleep 0.05
    done
    wait "$CHILD" 2>/dev/null || :
    CHILD=''
}

# show_log FILE: the end of a log, for a person who has to find out why.
show_log() {
    [ -s "$1" ] || return 0
    say "    the end of $1:"
    tail -n 15 "$1" | cut -c 1-400 | sed 's/^/    | /' >&2 || :
}

# random_secret: 32 random bytes, base64 without line end.
random_secret() { openssl rand -base64 32 | tr -d '\n'; }

# lock_state DIR: one command at a time works on a state folder; the lock goes with the process (descriptor 9).
lock_state() {
    mkdir -p "$1"
    exec 9>"$1/lock"
    flock -n 9 || die "another command is using $1; wait for it or stop it (pid $(cat "$1/owner" 2>/dev/null || echo unknown))"
    printf '%s\n' "$$" >"$1/owner"
}
