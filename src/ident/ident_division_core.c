/*
 * ident_division_core.c: administrative divisions (GB/T 2260), those in force
 * and those withdrawn.
 *
 * A code may have borne several names; the newest is its own row, the former
 * ones follow in rows of their own.  Codes are grouped by their first four
 * digits, so a look-up is one array access and a few steps.
 */
#include <stdlib.h>

#include "ident_division_core.h"

#include "division_table.inc"

/* Residence permits of Taiwan residents do not bear Taiwan's own code. */
#define TAIWAN_PERMIT 830000
#define TAIWAN 710000

/* The row of a code, -1 when it never was assigned. */
int
crm_division_row(int32_t code)
{
	int32_t		prefix = code / 100;
	int			low;
	int			rows;

	if (prefix < DIVISION_PREFIX_FIRST || prefix > DIVISION_PREFIX_LAST)
		return -1;
	low = division_prefix[prefix - DIVISION_PREFIX_FIRST];
	rows = division_prefix[prefix - DIVISION_PREFIX_FIRST + 1] - low;
	if (rows == 0)
		return -1;
	/* Halving without a branch: which half it is can be guessed by nobody. */
	while (rows > 1)
	{
		int			half = rows / 2;

		low += division_row[low + half].code <= code ? half : 0;
		rows -= half;
	}
	return division_row[low].code == code ? low : -1;
}

const DivisionRow *
crm_division_row_at(int index)
{
	return &division_row[index];
}

const char *
crm_division_row_name(int index)
{
	return division_name_pool + division_row[index].name;
}

/* Whether a row tells of a name or code no longer in force. */
bool
crm_division_row_old(int index)
{
	return division_row[index].last != 0;
}

/* Whether a code is or was some division's, or that of a residence permit. */
bool
crm_division_exists(int32_t code, bool *withdrawn)
{
	int			row = crm_division_row(code);

	*withdrawn = false;
	if (row < 0)
		return code == TAIWAN_PERMIT;
	*withdrawn = crm_division_row_old(row);
	return true;
}

bool
crm_division_facts(int32_t code, CrmDivisionFacts *facts)
{
	int			row = crm_division_row(code);

	if (row < 0)
		return false;
	facts->code = code;
	facts->successor = division_row[row].successor;
	facts->first_year = division_row[row].first;
	facts->last_year = division_row[row].last > 0 ? division_row[row].last : 0;
	facts->gone_by = abs(division_row[row].last);
	facts->withdrawn = crm_division_row_old(row);
	facts->name = crm_division_row_name(row);
	return true;
}

const char *
crm_division_name(int32_t code)
{
	int			row = crm_division_row(code == TAIWAN_PERMIT ? TAIWAN : code);

	return row < 0 ? NULL : crm_division_row_name(row);
}

/* The first place in the order of names that is not below the given bytes. */
int
crm_division_name_from(const char *text, size_t length)
{
	int			low = 0;
	int			high = DIVISION_ROWS;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (strncmp(crm_division_row_name(division_by_name[middle]), text, length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The row at a place in the order of names, -1 behind the end. */
int
crm_division_by_name(int place)
{
	return place < DIVISION_ROWS ? division_by_name[place] : -1;
}

/* The code's row range for a four-digit prefix, for walking a city's counties. */
void
crm_division_children(int32_t first, int32_t last, int *low, int *high)
{
	int32_t		from = first / 100;
	int32_t		to = last / 100;

	*low = *high = 0;
	if (to < DIVISION_PREFIX_FIRST || from > DIVISION_PREFIX_LAST)
		return;
	if (from < DIVISION_PREFIX_FIRST)
		from = DIVISION_PREFIX_FIRST;
	if (to > DIVISION_PREFIX_LAST)
		to = DIVISION_PREFIX_LAST;
	*low = division_prefix[from - DIVISION_PREFIX_FIRST];
	*high = division_prefix[to - DIVISION_PREFIX_FIRST + 1];
}

/*
 * Read the six digits of a code: form only.  A county without its city is no
 * code, since a shifted digit nearly always shows up as such a hole.
 */
bool
crm_division_read(const char *text, size_t length, int32_t *code, CrmReason *reason)
{
	if (length != 6)
	{
		*reason = CRM_REASON_LENGTH;
		return false;
	}
	if (!crm_all_digits(text, length))
	{
		*reason = CRM_REASON_CHARACTER;
		return false;
	}
	*code = crm_digits_value(text, length);
	*reason = CRM_REASON_FORM;
	return *code >= 100000 && !(*code % 100 != 0 && *code / 100 % 100 == 0 && *code / 10000 != 46);
}
