#!/bin/bash
# Makes a worker of a fresh Amazon Linux 2023 instance. There is no internet: packages and
# artefacts arrive through the VPC's S3 gateway endpoint. Any failure ends the boot, and the
# user data that called this reports it and switches the machine off.
set -euo pipefail

readonly home=/opt/peakfleet settings=/etc/peakfleet.env logs=/var/log/peakfleet

set -a
# shellcheck source=/dev/null  # written by the user data
. "$settings"
set +a

install_packages() {
  local attempt
  for attempt in 1 2 3; do
    # The PACKAGES setting is a list of words.
    # shellcheck disable=SC2086
    dnf install -y -q amazon-cloudwatch-agent python3-boto3 ${PEAKFLEET_PACKAGES:-} && return 0
    sleep $((attempt * 5))
  done
  return 1
}

install_ffmpeg() {
  local path="$home/bin/ffmpeg"
  install -d "$home/bin"
  aws s3 cp --only-show-errors \
    "s3://$PEAKFLEET_ARTEFACTS/$PEAKFLEET_FFMPEG_PREFIX/$(uname -m)/ffmpeg" "$path"
  chmod 0755 "$path"
  "$path" -version >/dev/null
  echo "PEAKFLEET_FFMPEG='$path'" >>"$settings"
}

ship_logs() {
  install -d -o peakfleet -g peakfleet "$logs"
  cat >/etc/logrotate.d/peakfleet <<ROTATE
$logs/*.log {
  size 50M
  rotate 2
  copytruncate
  missingok
}
ROTATE
  cat >"$home/agent.json" <<AGENT
{"logs": {"logs_collected": {"files": {"collect_list": [{
  "file_path": "$logs/worker.log",
  "log_group_name": "$PEAKFLEET_LOG_GROUP",
  "log_stream_name": "{instance_id}"
}]}}}}
AGENT
  /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl \
    -a fetch-config -m ec2 -s -c "file:$home/agent.json"
}

# The instance's tag says its pool, if the fleet keeps a ledger of its pools.
tell_pool() {
  local metadata=http://169.254.169.254/latest token pool
  token="$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' \
    "$metadata/api/token")" || return 0
  pool="$(curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" \
    "$metadata/meta-data/tags/instance/peakfleet:pool")" || return 0
  echo "PEAKFLEET_POOL='$pool'" >>"$settings"
}

install_packages
tell_pool
id peakfleet >/dev/null 2>&1 || useradd --system --shell /sbin/nologin peakfleet
if [ -n "${PEAKFLEET_FFMPEG_PREFIX:-}" ]; then
  install_ffmpeg
fi
ship_logs
# A program that cannot be loaded would be started again for ever, and count as capacity.
(cd "$home" && /usr/bin/python3 -c "import $PEAKFLEET_PROGRAM")
install -m 0644 "$home"/workers/*.service /etc/systemd/system/
systemctl daemon-reload
systemctl enable --now peakfleet-scratch.service peakfleet.service
