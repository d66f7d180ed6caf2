/*
 * Proves: no bytes crash any parser of room ident; yes-or-no agrees with the
 * verdict; what is accepted is a fixed point of normalisation and fits its buffer;
 * facts stay in range.
 *
 * The first byte chooses the kind, the last value is the address parser, the one
 * before it the division look-up; the rest is the text.
 */
#include "ident/ident_core.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Accepted once, accepted again in the same form. */
static void
fuzz_kind(CrmKind kind, const char *text, size_t size)
{
	static CrmVerdict verdict;
	static CrmVerdict again;

	if (crm_ident_valid(kind, text, size) != crm_ident_validate(kind, text, size, &verdict))
		abort();
	if (verdict.reason != CRM_OK || verdict.length == 0)
	{
		if (verdict.reason == CRM_OK || verdict.length != 0)
			abort();
		return;
	}
	if (verdict.reason != CRM_OK || verdict.length == 0 || verdict.length > CRM_NORMALIZED_MAX ||
		verdict.normalized[verdict.length] != '\0')
		abort();
	if (verdict.birth_date != 0 &&
		!crm_date_real(verdict.birth_date / 10000, verdict.birth_date / 100 % 100, verdict.birth_date % 100))
		abort();
	if (!crm_ident_validate(kind, verdict.normalized, verdict.length, &again) ||
		again.length != verdict.length || memcmp(again.normalized, verdict.normalized, verdict.length) != 0)
		abort();
	if (kind == CRM_KIND_PERSON_NAME &&
		crm_person_surname_length(verdict.normalized, verdict.length) > verdict.length)
		abort();
}

static void
fuzz_phone(const char *text, size_t size)
{
	static CrmVerdict verdict;
	static const char *const countries[] = {"US", "GB", "IT", "RU", "BR", "AU", "JP", "XX", ""};

	for (size_t i = 0; i < sizeof(countries) / sizeof(countries[0]); i++)
		crm_phone_parse(text, size, countries[i], &verdict);
}

/* The parts are strings, the code is in force, candidates are in range. */
static void
fuzz_address(const char *text, size_t size)
{
	static CrmAddress address;
	bool		withdrawn;

	if (!crm_address_parse(text, size, &address))
		return;
	if (strlen(address.detail) > CRM_NORMALIZED_MAX || strlen(address.township) >= sizeof(address.township))
		abort();
	if (address.division != 0 && (!crm_division_exists(address.division, &withdrawn) || withdrawn))
		abort();
	if (address.candidate_count < 0 || address.candidate_count > 32 ||
		(address.candidate_count > 0 && address.division != 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int32_t		codes[8];
	int			choice;

	if (size == 0)
		return 0;
	choice = data[0] % (CRM_KIND_COUNT + 2);
	if (choice < CRM_KIND_COUNT)
		fuzz_kind((CrmKind) choice, (const char *) data + 1, size - 1);
	else if (choice == CRM_KIND_COUNT)
		crm_division_lookup((const char *) data + 1, size - 1, codes, 8);
	else
		fuzz_address((const char *) data + 1, size - 1);
	if (choice == CRM_KIND_PHONE)
		fuzz_phone((const char *) data + 1, size - 1);
	return 0;
}
