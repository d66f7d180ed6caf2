/*
 * pii_value_core.h: from what a person typed to the normalised value that is
 * sealed, or the reason why not.
 */
#ifndef CRM_PII_VALUE_CORE_H
#define CRM_PII_VALUE_CORE_H

#include "ident/ident.h"
#include "pii.h"

extern bool crm_pii_is_mask(CrmPiiType type, const char *text, size_t length);
extern bool crm_pii_normalize(CrmPiiType type, const char *text, size_t length,
							  CrmVerdict *verdict);

#endif
