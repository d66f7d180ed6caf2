/*
 * code.h: room code: the customer code (客户编号).
 *
 * Text form: the scheme's literal (one to four letters), the day as yyyymmdd,
 * the serial with at least four digits: CUST202603040001.  The value is one
 * 64-bit integer, passed by value, a plain int64 Datum:
 *
 *		bits 62-63	always zero, so that no sign ever enters a comparison
 *		bits 44-61	day, counted from 1900-01-01
 *		bits 24-43	scheme: its letters in base 27 (blank 0, A 1 ... Z 26),
 *					left-justified, so that it sorts as the letters do
 *		bits  0-23	serial, 1 to 9,999,999
 *
 * So integer order is (day, scheme, serial).  The day stands in front because
 * new customers of every scheme then land on the same last page of an index, a
 * BRIN range is a span of time, and a partition by code is one by day.  The
 * letters are in the value, not a number that a table explains, because type
 * input and output may not read a table.
 *
 * Pure C: no backend header, nothing allocated, nothing global, any bytes may
 * come.  Other rooms include this file and no other of the room.
 */
#ifndef CRM_CODE_H
#define CRM_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRM_CODE_SCHEME_MAX		4	/* letters of a scheme */
#define CRM_CODE_SERIAL_DIGITS	4	/* digits that a serial is padded to */
#define CRM_CODE_SERIAL_MAX		9999999
#define CRM_CODE_TEXT_MAX		19	/* 4 letters, 8 and 7 digits; no NUL counted */

/* First and last day in days from 2000-01-01: 1900-01-01 and 2599-12-31. */
#define CRM_CODE_DAY_MIN		(-36524)
#define CRM_CODE_DAY_MAX		219145

/* Why something is no code; crm_code_reason() puts it into words. */
typedef enum CrmCodeFault
{
	CRM_CODE_OK,
	CRM_CODE_SCHEME,
	CRM_CODE_DAY,
	CRM_CODE_SERIAL,
	CRM_CODE_TRAILING,
	CRM_CODE_BITS
} CrmCodeFault;

/* Text to code; letter case is forgiven, nothing else. */
extern CrmCodeFault crm_code_parse(const char *text, size_t length, int64_t *code);

/* Code to canonical text, NUL-terminated; gives the length. */
extern size_t crm_code_format(int64_t code, char text[CRM_CODE_TEXT_MAX + 1]);

/* The parts to a code; day in days from 2000-01-01, as PostgreSQL's date. */
extern CrmCodeFault crm_code_make(int32_t day, int64_t serial,
								  const char *scheme, size_t length, int64_t *code);

/* Whether 64 bits from outside are a code. */
extern CrmCodeFault crm_code_check(int64_t code);

/* A code to its parts. */
extern int32_t crm_code_day(int64_t code);
extern int32_t crm_code_serial(int64_t code);
extern size_t crm_code_scheme(int64_t code, char scheme[CRM_CODE_SCHEME_MAX + 1]);

extern const char *crm_code_reason(CrmCodeFault fault);

#endif
