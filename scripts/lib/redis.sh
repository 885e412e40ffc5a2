# shellcheck shell=sh
# A private Redis on 127.0.0.1 with a password, a memory limit and LRU eviction. It holds only what may vanish, so it
# writes nothing to disk.

redis_start() {
    mkdir -p "$1/redis"
    if is_running "$1/redis.pid"; then return 0; fi
    { [ -s "$1/redis.port" ] && port_is_free "$(cat "$1/redis.port")"; } || free_ports 26300 1 "$1" >"$1/redis.port"
    # The password goes through the file: arguments are visible to every user of the machine.
    : >"$1/redis.conf" && chmod 0600 "$1/redis.conf"
    cat >"$1/redis.conf" <<CONF
bind 127.0.0.1
port $(cat "$1/redis.port")
requirepass $(cat "$1/secrets/redis_password")
maxmemory 256mb
maxmemory-policy allkeys-lru
save ""
appendonly no
daemonize no
dir "$1/redis"
set-proc-title no
CONF
    start_detached "$1/redis.pid" "$1/redis.log" "$REDIS_SERVER" "$1/redis.conf"
    wait_for 20 Redis redis_answers "$1" || {
        show_log "$1/redis.log"
        die "Redis in $1 did not come up"
    }
    note "redis: $(redis_addr "$1")"
}

redis_addr() { printf '127.0.0.1:%s\n' "$(cat "$1/redis.port")"; }

redis_answers() {
    is_running "$1/redis.pid" || return 1
    printf 'AUTH %s\r\nPING\r\nQUIT\r\n' "$(cat "$1/secrets/redis_password")" |
        python3 -c '
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=1) as peer:
    peer.sendall(sys.stdin.buffer.read())
    answer = b""
    while chunk := peer.recv(4096):
        answer += chunk
sys.exit(b"+PONG" not in answer)' "$(cat "$1/redis.port")" 2>/dev/null
}

redis_stop() { stop_process Redis "$1/redis.pid" 10; }
