/*
 * crm.c: the module itself: magic, settings that several rooms read, and the
 * order in which the rooms set themselves up.
 */
#include "crm.h"

#include "pgtime.h"
#include "utils/guc.h"

CRM_MODULE_MAGIC;

char	   *crm_timezone;

extern PGDLLEXPORT void _PG_init(void);

/* A zone that PostgreSQL knows and that counts no leap seconds. */
static bool
timezone_check(char **newval, void **extra, GucSource source)
{
	pg_tz	   *zone = pg_tzset(*newval);

	if (zone != NULL && pg_tz_acceptable(zone))
		return true;
	GUC_check_errhint("Use a name of pg_timezone_names, such as Asia/Shanghai.");
	return false;
}

/*
 * The company's day decides codes, deadlines and expiry, so that no session can
 * move it: only a superuser or the server's configuration sets the zone.
 */
void
_PG_init(void)
{
	DefineCustomStringVariable("crm.timezone",
							   "Time zone of the company's calendar day (公司时区).",
							   "Customer codes, deadlines and expiry count days in this zone, whatever the session's is.",
							   &crm_timezone, "Asia/Shanghai",
							   PGC_SUSET, 0, timezone_check, NULL, NULL);
	crm_core_init();
	crm_pii_init();
	crm_points_init();
	crm_match_init();
	crm_score_fit_init();
	crm_score_init();
	MarkGUCPrefixReserved("crm");
}
