#!/bin/sh
# Installs packages with apt, as root, without starting the servers that come with them.
# usage: sh install.sh PACKAGE…
set -eu
export DEBIAN_FRONTEND=noninteractive

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    # 101 is "forbidden by policy": the maintainer scripts then leave the service stopped.
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi

for package in "$@"; do
    if [ "$package" = postfix ] && [ ! -e /etc/postfix/main.cf ]; then
        # Otherwise Postfix configures itself as this machine's mail server.
        echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
    fi
done

apt-get update

apt-get install --yes --no-install-recommends "$@"
