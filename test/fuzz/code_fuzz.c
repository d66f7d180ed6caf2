/*
 * Proves: no bytes crash the customer code's reader; what it accepts prints as
 * it was read (in capitals) and is a valid value; and eight bytes taken as a
 * value, if accepted, print and read back as the same value.
 */
#include "code/code.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void
fuzz_text(const char *text, size_t size)
{
	char		printed[CRM_CODE_TEXT_MAX + 1];
	int64_t		code;

	if (crm_code_parse(text, size, &code) != CRM_CODE_OK)
		return;
	if (crm_code_check(code) != CRM_CODE_OK || crm_code_format(code, printed) != size)
		abort();
	for (size_t i = 0; i < size; i++)
		if (printed[i] != toupper((unsigned char) text[i]))
			abort();
}

static void
fuzz_bits(const uint8_t *data)
{
	char		printed[CRM_CODE_TEXT_MAX + 1];
	int64_t		bits;
	int64_t		again;

	memcpy(&bits, data, sizeof(bits));
	if (crm_code_check(bits) != CRM_CODE_OK)
		return;
	if (crm_code_parse(printed, crm_code_format(bits, printed), &again) != CRM_CODE_OK || again != bits)
		abort();
}

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_text((const char *) data, size);
	if (size >= sizeof(int64_t))
		fuzz_bits(data);
	return 0;
}
