/*
 * core.c: the company's day, and the language in which people read messages.
 */
#include "crm.h"

#include "access/xact.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/pg_locale.h"
#include "utils/timestamp.h"

typedef enum CrmLang
{
	CRM_LANG_AUTO,
	CRM_LANG_EN,
	CRM_LANG_ZH
} CrmLang;

static const struct config_enum_entry lang_options[] = {
	{"auto", CRM_LANG_AUTO, false},
	{"en", CRM_LANG_EN, false},
	{"zh", CRM_LANG_ZH, false},
	{NULL, 0, false}
};

static int	crm_lang = CRM_LANG_AUTO;

void
crm_core_init(void)
{
	DefineCustomEnumVariable("crm.lang",
							 "Language of labels and of reasons in tables (语言).",
							 "auto follows lc_messages: Chinese where that is Chinese, else English.",
							 &crm_lang, CRM_LANG_AUTO, lang_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);
}

/* The start of this transaction on the company's clock, as a calendar date. */
int32
crm_company_today(void)
{
	Datum		local = DirectFunctionCall2(timestamptz_zone,
											CStringGetTextDatum(crm_timezone),
											TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));

	return DatumGetDateADT(DirectFunctionCall1(timestamp_date, local));
}

PG_FUNCTION_INFO_V1(crm_company_today_sql);
Datum
crm_company_today_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATEADT(crm_company_today());
}

PG_FUNCTION_INFO_V1(crm_lang_sql);
Datum
crm_lang_sql(PG_FUNCTION_ARGS)
{
	bool		zh = crm_lang == CRM_LANG_ZH ||
		(crm_lang == CRM_LANG_AUTO && strncmp(locale_messages, "zh", 2) == 0);

	PG_RETURN_TEXT_P(cstring_to_text(zh ? "zh" : "en"));
}

PG_FUNCTION_INFO_V1(crm_library_version);
Datum
crm_library_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(CRM_VERSION));
}
