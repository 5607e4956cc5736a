#!/bin/bash
# Makes scratch space of the first local NVMe disk. Runs at every boot, not at the first one only:
# the disk is empty, without a file system, whenever the machine was stopped, as in a warm pool.
# A machine without such a disk works on its root volume.
set -euo pipefail

readonly scratch=/mnt/peakfleet-scratch environment=/run/peakfleet-scratch.env
readonly model='Amazon EC2 NVMe Instance Storage'

disk="$(lsblk --nodeps --noheadings --output PATH,MODEL | awk -v model="$model" \
  'index($0, model) { print $1; exit }')"
if [ -z "$disk" ]; then
  exit 0
fi
if ! mountpoint -q "$scratch"; then
  mkfs.xfs -q -f "$disk"
  install -d "$scratch"
  mount -o noatime,nodev,nosuid "$disk" "$scratch"
fi
install -d -o peakfleet -g peakfleet -m 0700 "$scratch/tmp"
echo "TMPDIR=$scratch/tmp" >"$environment"
