/* unit.h: the least that prints TAP. */
#ifndef CRM_UNIT_H
#define CRM_UNIT_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int	unit_count;
static int	unit_failed;

static inline void
unit_check(bool ok, const char *what, const char *file, int line)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++unit_count, what);
	if (!ok)
	{
		unit_failed++;
		fprintf(stderr, "# failed at %s:%d\n", file, line);
	}
}

#define CHECK_AS(cond, what) unit_check((cond), (what), __FILE__, __LINE__)
#define CHECK(cond) CHECK_AS(cond, #cond)

static inline int
unit_done(void)
{
	printf("1..%d\n", unit_count);
	return unit_failed != 0;
}

#endif
