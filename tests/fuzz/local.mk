# SPDX-License-Identifier: Apache-2.0
# Fuzz targets, and their corpus as an ordinary test.
