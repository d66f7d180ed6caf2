/*
 * Proves: the small readers of room intake take what files really hold (both
 * languages, several spellings) and refuse what would have to be guessed.
 */
#include "unit.h"

#include "intake/intake_core.h"

static bool
date_is(const char *text, int32_t expected)
{
	int32_t		value = 0;

	return crm_date_read(text, strlen(text), &value) ? value == expected : expected == 0;
}

static bool
blank(const char *text)
{
	return crm_text_is_blank(text, strlen(text));
}

int
main(void)
{
	CrmCustomerKind kind;
	CrmField	field;
	char		sex = 0;

	CHECK(date_is("1980-02-29", 19800229));
	CHECK(date_is("19800229", 19800229));
	CHECK(date_is("1980/2/9", 19800209));
	CHECK(date_is("1980年2月9日", 19800209));
	CHECK(date_is("1981-02-29", 0));
	CHECK(date_is("1900-02-29", 0));
	CHECK(date_is("2000-02-29", 20000229));
	CHECK(date_is("29-02-1980", 0));
	CHECK(date_is("80-02-09", 0));
	CHECK(date_is("1980-02", 0));
	CHECK(date_is("1980-02-09x", 0));
	CHECK(date_is("1980-13-01", 0));
	CHECK(date_is("1700-01-01", 0));
	CHECK(date_is("", 0));
	CHECK(blank("") && blank(" \t") && blank("\xE3\x80\x80"));
	CHECK(!blank(" x") && !blank("\xE3\x80"));
	CHECK(crm_text_has_control("a\x01", 2) && crm_text_has_control("\xEF\xBF\xBD", 3) && crm_text_has_control("\xC2\x85", 2));
	CHECK(!crm_text_has_control("张伟", 6) && !crm_text_has_control("\xC2\xB7", 2));
	CHECK(crm_text_has_han("No. 5 路", 9) && !crm_text_has_han("Main St 5", 9) && !crm_text_has_han("\xE3\x80\x80 ", 4));
	CHECK(crm_sex_read("女", 3, &sex) && sex == 'F');
	CHECK(crm_sex_read("M", 1, &sex) && sex == 'M');
	CHECK(!crm_sex_read("X", 1, &sex));
	CHECK(crm_customer_kind_find("集团客户", 12, &kind) && kind == CRM_GROUP);
	CHECK(!crm_customer_kind_find("person", 6, &kind));
	CHECK(crm_field_find("bank_card", 9, &field) && field == CRM_FIELD_BANK_CARD);
	CHECK(!crm_field_find("bank_card ", 10, &field));
	return unit_done();
}
