# shellcheck shell=sh
# A private Redis on 127.0.0.1 with a password, a memory limit and LRU eviction; or three of them, a master and two
# replicas, with three Sentinels that watch them. They hold only what may vanish, so they write nothing to disk.

NODES='1 2 3'

# redis_conf DIR NAME PORT [LINE...]: the configuration of a server.
redis_conf() {
    # The password goes through the file: arguments are visible to every user of the machine.
    : >"$1/$2.conf" && chmod 0600 "$1/$2.conf"
    cat >"$1/$2.conf" <<CONF
bind 127.0.0.1
port $3
requirepass $(cat "$1/secrets/redis_password")
masterauth $(cat "$1/secrets/redis_password")
maxmemory 256mb
maxmemory-policy allkeys-lru
save ""
appendonly no
daemonize no
dir "$1/$2"
set-proc-title no
CONF
    _conf=$1/$2.conf
    shift 3
    [ $# -eq 0 ] || printf '%s\n' "$@" >>"$_conf"
}

redis_start() {
    mkdir -p "$1/redis"
    if is_running "$1/redis.pid"; then return 0; fi
    { [ -s "$1/redis.port" ] && port_is_free "$(cat "$1/redis.port")"; } || free_ports 26300 1 "$1" >"$1/redis.port"
    redis_conf "$1" redis "$(cat "$1/redis.port")"
    start_detached "$1/redis.pid" "$1/redis.log" "$REDIS_SERVER" "$1/redis.conf"
    wait_for 20 Redis redis_answers "$1" || {
        show_log "$1/redis.log"
        die "Redis in $1 did not come up"
    }
    note "redis: $(redis_addr "$1")"
}

redis_addr() {
    if [ -s "$1/redis.ports" ]; then node_addr "$1" 1; else printf '127.0.0.1:%s\n' "$(cat "$1/redis.port")"; fi
}

redis_answers() {
    is_running "$1/redis.pid" && redis_ask "$1" ping "$(redis_addr "$1")" 2>/dev/null
}

# redis_ask DIR WHAT...: see redis_ask.py.
redis_ask() {
    _asked=$1
    shift
    if [ -s "$_asked/redis.ports" ]; then
        set -- "$@" --servers "$(redis_servers "$_asked")" --sentinels "$(redis_sentinels "$_asked")"
    fi
    PYTHONDONTWRITEBYTECODE=1 python3 "$ROOT/scripts/lib/redis_ask.py" --secrets "$_asked/secrets" "$@"
}

redis_stop() {
    stop_process Redis "$1/redis.pid" 10
    for _n in $NODES; do stop_process "Sentinel $_n" "$1/sentinel$_n.pid" 10; done
    for _n in $NODES; do stop_process "Redis $_n" "$1/redis$_n.pid" 10; done
}

# redis_env DIR: what the programs are told beyond the address of one server.
redis_env() {
    unset DARAA_REDIS_SENTINELS DARAA_REDIS_MASTER
    if [ -s "$1/redis.ports" ]; then
        DARAA_REDIS_SENTINELS=$(redis_sentinels "$1")
        export DARAA_REDIS_SENTINELS
    fi
}

# ---- a master, two replicas, three Sentinels ----

# The file holds six ports: three servers, three Sentinels.
node_addr() { printf '127.0.0.1:%s\n' "$(sed -n "$2p" "$1/redis.ports")"; }
sentinel_addr() { printf '127.0.0.1:%s\n' "$(sed -n "$(($2 + 3))p" "$1/redis.ports")"; }
redis_servers() { for _n in $NODES; do node_addr "$1" "$_n"; done | paste -sd, -; }
redis_sentinels() { for _n in $NODES; do sentinel_addr "$1" "$_n"; done | paste -sd, -; }

# redis_set_start DIR: the first server is the master to begin with.
redis_set_start() {
    free_ports 26300 6 "$1" >"$1/redis.ports"
    for _node in $NODES; do redis_node_start "$1" "$_node" 1; done
    for _node in $NODES; do redis_sentinel_conf "$1" "$_node"; done
    redis_sentinels_start "$1"
    redis_ask "$1" healthy || {
        for _n in $NODES; do show_log "$1/redis$_n.log" && show_log "$1/sentinel$_n.log"; done
        die "Redis in $1 did not come up"
    }
    note "redis: $(redis_servers "$1"), sentinels $(redis_sentinels "$1")"
}

# redis_node_start DIR NUMBER MASTER: as a replica of that server, unless it is that server.
redis_node_start() {
    mkdir -p "$1/redis$2"
    if is_running "$1/redis$2.pid"; then return 0; fi
    # A replica gets its copy over the wire at once: by default the master waits 5 s for others who might want one, too.
    set -- "$1" "$2" "$3" "repl-diskless-sync yes" "repl-diskless-sync-delay 0"
    [ "$2" = "$3" ] || set -- "$@" "replicaof 127.0.0.1 $(sed -n "$3p" "$1/redis.ports")"
    _dir=$1 _number=$2
    shift 3
    redis_conf "$_dir" "redis$_number" "$(sed -n "${_number}p" "$_dir/redis.ports")" "$@"
    start_detached "$_dir/redis$_number.pid" "$_dir/redis$_number.log" "$REDIS_SERVER" "$_dir/redis$_number.conf"
    wait_for 20 "Redis $_number" redis_ask "$_dir" ping "$(node_addr "$_dir" "$_number")" || {
        show_log "$_dir/redis$_number.log"
        die "Redis $_number in $_dir did not come up"
    }
}

# redis_sentinel_conf DIR NUMBER: a Sentinel writes into it what it learns, so it is written once.
redis_sentinel_conf() {
    mkdir -p "$1/sentinel$2"
    : >"$1/sentinel$2.conf" && chmod 0600 "$1/sentinel$2.conf"
    # down-after: as short as a busy machine allows; with it a dead master is replaced after some 3 s.
    # failover-timeout: half of what passes before a failed attempt is repeated.
    cat >"$1/sentinel$2.conf" <<CONF
bind 127.0.0.1
port $(sed -n "$(($2 + 3))p" "$1/redis.ports")
requirepass $(cat "$1/secrets/redis_sentinel_password")
daemonize no
dir "$1/sentinel$2"
set-proc-title no
sentinel sentinel-pass $(cat "$1/secrets/redis_sentinel_password")
sentinel monitor daraa 127.0.0.1 $(sed -n 1p "$1/redis.ports") 2
sentinel auth-pass daraa $(cat "$1/secrets/redis_password")
sentinel down-after-milliseconds daraa 1000
sentinel failover-timeout daraa 5000
sentinel parallel-syncs daraa 2
CONF
}

redis_sentinels_start() {
    for _n in $NODES; do
        is_running "$1/sentinel$_n.pid" ||
            start_detached "$1/sentinel$_n.pid" "$1/sentinel$_n.log" "$REDIS_SERVER" "$1/sentinel$_n.conf" --sentinel
    done
}

# redis_master DIR: the number of the server the Sentinels name.
redis_master() {
    _addr=$(redis_ask "$1" master)
    for _n in $NODES; do
        [ "$(node_addr "$1" "$_n")" != "$_addr" ] || echo "$_n"
    done
}
