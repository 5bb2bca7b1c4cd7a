# SPDX-License-Identifier: Apache-2.0
# Samples, the systemd unit, bash completion.
