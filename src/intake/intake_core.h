/*
 * intake_core.h: what a customer's record consists of on its way in, and the
 * small readers that no other room has: sex, calendar date, blank text.
 */
#ifndef CRM_INTAKE_CORE_H
#define CRM_INTAKE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Fields in the order of the SQL type crm.customer_input, behind its line.
 * CONTACT is no column: it stands for telephone or e-mail.
 */
typedef enum CrmField
{
	CRM_FIELD_KIND,
	CRM_FIELD_NAME,
	CRM_FIELD_DOCUMENT_KIND,
	CRM_FIELD_DOCUMENT_NUMBER,
	CRM_FIELD_SEX,
	CRM_FIELD_BIRTH_DATE,
	CRM_FIELD_PHONE,
	CRM_FIELD_EMAIL,
	CRM_FIELD_BANK_CARD,
	CRM_FIELD_ADDRESS,
	CRM_FIELD_OCCUPATION,
	CRM_FIELD_INDUSTRY,
	CRM_FIELD_LEGAL_REPRESENTATIVE,
	CRM_FIELD_CONTACT_NAME,
	CRM_FIELD_EXTERNAL_SYSTEM,
	CRM_FIELD_EXTERNAL_ID,
	CRM_FIELD_CONTACT,
	CRM_FIELD_COUNT
} CrmField;

#define CRM_FIELD_COLUMNS CRM_FIELD_CONTACT

typedef enum CrmCustomerKind
{
	CRM_INDIVIDUAL,
	CRM_ORGANIZATION,
	CRM_GROUP,
	CRM_CUSTOMER_KINDS
} CrmCustomerKind;

extern const char *crm_field_name(CrmField field);
extern bool crm_field_find(const char *name, size_t length, CrmField *field);
extern const char *crm_customer_kind_name(CrmCustomerKind kind);
extern bool crm_customer_kind_find(const char *text, size_t length, CrmCustomerKind *kind);

extern bool crm_text_is_blank(const char *text, size_t length);
extern bool crm_text_has_control(const char *text, size_t length);
extern bool crm_text_has_han(const char *text, size_t length);
extern bool crm_sex_read(const char *text, size_t length, char *sex);
extern bool crm_date_read(const char *text, size_t length, int32_t *yyyymmdd);

#endif
