# shellcheck shell=sh
# What the scripts tell the programs; platform/src/config.rs documents every setting and its default.
#
#   DARAA_MODE           development | test | simulation | production
#   DARAA_LISTEN         host:port of the server
#   DARAA_JOBS_LISTEN    host:port of the jobs service (health and metrics only)
#   DARAA_MONGO_URI      connection string without credentials
#   DARAA_MONGO_DATABASE name of the database
#   DARAA_MONGO_USER     database user; its password is the file mongo_<user>_password
#   DARAA_REDIS_ADDR     host:port of Redis; its password is the file redis_password
#   DARAA_REDIS_SENTINELS  host:port of the Sentinels; their password is the file redis_sentinel_password
#   DARAA_SECRETS_DIR    folder of the secret files (secrets/README.md lists them)
#   DARAA_PAY_URL        base address of the card provider
#   DARAA_OTP_LOG        file the recording SMS adapter appends to; refused in production
#   DARAA_ARCHIVE_DIR    folder the jobs service moves old audit rows to
#   DARAA_LOG            filter of log lines, e.g. info,daraa_domain=debug
#   DARAA_LOG_FORMAT     text | json
#   DARAA_CLOCK          real_ms,shown_ms,speed: the fast clock; simulation mode only
#
# The card provider for development takes arguments: daraa-paysim --listen HOST:PORT --webhook-url URL
# --key-file FILE --log FILE.

# The files of a secrets folder that hold one random value each. sms_token and pay_api_key are not among them: they come
# from the SMS gateway and the card provider, and only a real installation has them.
SECRET_NAMES='redis_password token_key code_pepper pay_webhook_key mongo_root_password mongo_daraa_app_password
mongo_daraa_jobs_password mongo_daraa_migrator_password mongo_daraa_readonly_password mongo_daraa_backup_password
mongo_daraa_exporter_password'

# make_secrets DIR [EXTRA_NAME...]: creates what is missing, 0600, in a folder only its owner enters.
make_secrets() {
    mkdir -p "$1"
    chmod 0700 "$1"
    _secrets=$1
    shift
    for _name in $SECRET_NAMES "$@"; do
        [ -s "$_secrets/$_name" ] || (umask 077 && random_secret >"$_secrets/$_name")
        chmod 0600 "$_secrets/$_name"
    done
    # All members show each other this key; mongod takes 6 to 1024 base64 characters.
    [ -s "$_secrets/mongo_keyfile" ] || (umask 077 && openssl rand -base64 756 >"$_secrets/mongo_keyfile")
    chmod 0600 "$_secrets/mongo_keyfile"
}

# program_env DIR MODE MONGO_USER: exports the contract for a program that works on the parts in DIR.
program_env() {
    export DARAA_MODE="$2"
    export DARAA_MONGO_USER="$3"
    DARAA_MONGO_URI=$(mongo_uri "$1")
    export DARAA_MONGO_URI
    export DARAA_MONGO_DATABASE=daraa
    DARAA_REDIS_ADDR=$(redis_addr "$1")
    export DARAA_REDIS_ADDR
    redis_env "$1"
    export DARAA_SECRETS_DIR="$1/secrets"
    export DARAA_OTP_LOG="$1/otp.log"
    export DARAA_ARCHIVE_DIR="$1/archive"
    # Whatever the caller's environment says: no text message leaves this machine.
    unset DARAA_SMS_URL
    # The log goes to a file: no colours.
    export NO_COLOR=1
    export DARAA_LOG="${DARAA_LOG:-info}"
    export DARAA_LOG_FORMAT="${DARAA_LOG_FORMAT:-text}"
    if [ -s "$1/service.ports" ]; then
        DARAA_LISTEN=$(server_url "$1") && DARAA_LISTEN=${DARAA_LISTEN#http://}
        DARAA_JOBS_LISTEN=$(jobs_url "$1") && DARAA_JOBS_LISTEN=${DARAA_JOBS_LISTEN#http://}
        DARAA_PAY_URL=$(paysim_url "$1")
        export DARAA_LISTEN DARAA_JOBS_LISTEN DARAA_PAY_URL
    fi
}

# test_env DIR: what the tests read.
test_env() {
    DARAA_TEST_MONGO_URI=$(mongo_uri "$1")
    export DARAA_TEST_MONGO_URI
    export DARAA_TEST_MONGO_USER=daraa_test
    export DARAA_TEST_MONGO_PASSWORD_FILE="$1/secrets/mongo_daraa_test_password"
    DARAA_TEST_REDIS_ADDR=$(redis_addr "$1")
    export DARAA_TEST_REDIS_ADDR
    export DARAA_TEST_REDIS_PASSWORD_FILE="$1/secrets/redis_password"
    # The folder with all passwords: tests prove the rights of the users of mongo-init with it.
    export DARAA_TEST_SECRETS_DIR="$1/secrets"
    export DARAA_TEST_MEMBERS_FILE="$1/members.json"
}
