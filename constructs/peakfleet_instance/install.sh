#!/bin/bash
# Installs the agent on a machine with systemd and Python 3.9 or later. Its files are beside this
# one; its settings are in /etc/peakfleet-agent.env. Safe to run again.
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
readonly here

install_boto3() {
  local attempt
  /usr/bin/python3 -c 'import boto3' 2>/dev/null && return 0
  for attempt in 1 2 3; do
    # An image may know repositories that this network has no way to; none of them is needed.
    dnf --setopt='*.skip_if_unavailable=True' install -y -q python3-boto3 && return 0
    sleep $((attempt * 5))
  done
  return 1
}

install_boto3
install -m 0644 "$here/peakfleet-agent.conf" /etc/tmpfiles.d/peakfleet-agent.conf
systemd-tmpfiles --create /etc/tmpfiles.d/peakfleet-agent.conf
install -m 0644 "$here/peakfleet-agent.service" /etc/systemd/system/peakfleet-agent.service
systemctl daemon-reload
systemctl enable --now peakfleet-agent.service
