/*
 * Proves: no bytes crash the reader of formulas; what it accepts can be carried out:
 * each step finds its values on a stack that never outgrows its room, one is left, and
 * every literal lies within the text.
 */
#include "points/points_formula_core.h"

#include <stdlib.h>

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static CrmFormula formula;
	size_t		at;
	int			height = 0;

	if (crm_formula_parse((const char *) data, size, CRM_FORMULA_IS_ANY, &formula, &at) != CRM_FORMULA_OK)
	{
		if (at > size)
			abort();
		return 0;
	}
	for (int i = 0; i < formula.count; i++)
	{
		const CrmFormulaStep *step = &formula.step[i];

		if (step->count > height || (size_t) step->at + step->length > size)
			abort();
		height += 1 - step->count;
		if (height > CRM_FORMULA_STACK)
			abort();
	}
	if (height != 1)
		abort();
	return 0;
}
