dnl SPDX-License-Identifier: Apache-2.0
dnl The project's own configure macros.

# EZCDC_CHECK_COMPILE_FLAG(VARIABLE, FLAG, [PROGRAM])
# ---------------------------------------------------
# Appends FLAG to VARIABLE if the compiler takes it without a warning.
AC_DEFUN([EZCDC_CHECK_COMPILE_FLAG], [
  AS_VAR_PUSHDEF([cache], [ezcdc_cv_compile_flag_$2])
  AC_CACHE_CHECK([whether $CC takes $2], [cache], [
    ezcdc_saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $2"
    AC_COMPILE_IFELSE([m4_default([$3], [AC_LANG_PROGRAM()])],
      [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
    CFLAGS=$ezcdc_saved_CFLAGS
  ])
  AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([cache])
])

# EZCDC_CHECK_COMPILE_FLAGS(VARIABLE, FLAGS)
# ------------------------------------------
AC_DEFUN([EZCDC_CHECK_COMPILE_FLAGS], [
  m4_foreach_w([ezcdc_flag], [$2],
    [EZCDC_CHECK_COMPILE_FLAG([$1], m4_defn([ezcdc_flag]))])
])

# EZCDC_CHECK_LINK_FLAG(VARIABLE, FLAG, [COMPILE-FLAGS])
# ------------------------------------------------------
# Appends FLAG to VARIABLE if the compiler links a program with it.
AC_DEFUN([EZCDC_CHECK_LINK_FLAG], [
  AS_VAR_PUSHDEF([cache], [ezcdc_cv_link_flag_$2])
  AC_CACHE_CHECK([whether $CC links with $2], [cache], [
    ezcdc_saved_CFLAGS=$CFLAGS
    ezcdc_saved_LDFLAGS=$LDFLAGS
    CFLAGS="$CFLAGS -Werror $3"
    LDFLAGS="$LDFLAGS $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()],
      [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
    CFLAGS=$ezcdc_saved_CFLAGS
    LDFLAGS=$ezcdc_saved_LDFLAGS
  ])
  AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([cache])
])

# EZCDC_CONNECTOR(NAME, [MODULES], [SUMMARY])
# -------------------------------------------
# Declares a connector of the tree: --enable-connector-NAME=auto|yes|no.
# MODULES are pkg-config modules with versions, empty if it needs none; their
# flags land in NAME_CFLAGS and NAME_LIBS (NAME in capitals). The Makefile
# conditional is CONNECTOR_NAME; the line for the table at the end is kept in
# ezcdc_connector_NAME. "yes" and something missing is an error.
AC_DEFUN([EZCDC_CONNECTOR], [
  m4_pushdef([ezcdc_upper], m4_toupper([$1]))
  AC_ARG_ENABLE([connector-$1],
    [AS_HELP_STRING([--enable-connector-$1=auto|yes|no], [$3 @<:@auto@:>@])],
    [], [enable_connector_$1=auto])
  AS_CASE([$enable_connector_$1], [auto|yes|no], [],
    [AC_MSG_ERROR([--enable-connector-$1 takes auto, yes or no, not "$enable_connector_$1"])])
  ezcdc_connector_$1="no (disabled)"
  AS_IF([test "$enable_connector_$1" != no], [
    m4_ifval([$2], [
      PKG_CHECK_MODULES(m4_defn([ezcdc_upper]), [$2],
        [ezcdc_connector_$1=yes],
        [AS_IF([test "$enable_connector_$1" = yes],
          [AC_MSG_ERROR([connector $1 was asked for, but it needs: $2])])
         ezcdc_connector_$1="no (needs $2)"])
    ], [ezcdc_connector_$1=yes])
  ])
  AM_CONDITIONAL([CONNECTOR_]m4_defn([ezcdc_upper]),
    [test "$ezcdc_connector_$1" = yes])
  m4_popdef([ezcdc_upper])
])
