# SPDX-License-Identifier: Apache-2.0
# Samples for a deployment. Where a distribution keeps units and accounts is
# its own affair, so they are installed as documentation.

dist_doc_DATA = \
	etc/ezcdc.sysusers \
	etc/ezcdc@.service \
	etc/sample.ini \
	$(NULL)
