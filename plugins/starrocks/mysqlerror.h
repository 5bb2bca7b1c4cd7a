/* SPDX-License-Identifier: Apache-2.0 */
/* What an error of the MySQL port asks of the core. */
#ifndef STARROCKS_MYSQLERROR_H
#define STARROCKS_MYSQLERROR_H

struct mysql_verdict {
  int code;           /* EZCDC_E_... */
  int broken;         /* 1: the connection is of no use any more */
  const char *remedy; /* constant text to put behind ": ", or NULL */
  int hide_text;      /* 1: the library's text is not fit to be shown */
};

void mysql_classify (unsigned number, const char *text,
                     struct mysql_verdict *ret_verdict);
/* Whether text holds word, whatever the case. */
int text_has (const char *text, const char *word);

#endif /* STARROCKS_MYSQLERROR_H */
