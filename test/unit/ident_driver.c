/*
 * ident_driver.c: lets a script ask room ident without a server.
 *
 * Each line of input is KIND <tab> COUNTRY <tab> VALUE, with \t, \n, \r and \\ for
 * what would break the line; kind "address" parses one.  Each line of output is
 * the verdict, fields separated by tabs.
 */
#include <stdio.h>
#include <string.h>

#include "ident/ident.h"


static size_t
unescape(char *text)
{
	char	   *out = text;

	for (char *in = text; *in != '\0'; in++)
	{
		if (in[0] != '\\' || in[1] == '\0')
		{
			*out++ = *in;
			continue;
		}
		in++;
		*out++ = *in == 't' ? '\t' : *in == 'n' ? '\n' : *in == 'r' ? '\r' : *in;
	}
	*out = '\0';
	return (size_t) (out - text);
}

static void
say_address(const char *text, size_t length)
{
	static CrmAddress address;
	bool		readable = crm_address_parse(text, length, &address);

	printf("%d\t%06d\t%s\t%s\t%s\t%s\t%s\t", readable, (int) address.division, address.province,
		   address.city, address.district, address.township, address.detail);
	for (int i = 0; i < address.candidate_count; i++)
		printf("%s%06d", i ? "|" : "", (int) address.candidates[i]);
	printf("\n");
}

static void
say_verdict(const char *kind_name, const char *country, const char *text, size_t length)
{
	static CrmVerdict v;
	CrmKind		kind;
	bool		valid;

	if (!crm_kind_find(kind_name, strlen(kind_name), &kind))
	{
		printf("no such kind\n");
		return;
	}
	valid = kind == CRM_KIND_PHONE && country[0] != '\0' ?
		crm_phone_parse(text, length, country, &v) : crm_ident_validate(kind, text, length, &v);
	printf("%d\t%s\t%s\t%06d\t%08d\t%c\t%s\t%s\t%s\t%s\t%d%d%d%d%d%d\t%s\n", valid, v.normalized,
		   crm_reason_name(v.reason), (int) v.region, (int) v.birth_date, v.sex ? v.sex : '-', v.type,
		   v.extension, v.country, v.issuer, v.was_15_digits, v.region_withdrawn,
		   v.region_withdrawn_before_birth, v.region_unknown, v.category_unknown,
		   v.organization_code_differs, v.network);
}

int
main(void)
{
	static char line[65536];

	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		char	   *country = strchr(line, '\t');
		char	   *value = country ? strchr(country + 1, '\t') : NULL;
		size_t		length;

		if (value == NULL)
			continue;
		*country++ = '\0';
		*value++ = '\0';
		value[strcspn(value, "\n")] = '\0';
		length = unescape(value);
		if (strcmp(line, "address") == 0)
			say_address(value, length);
		else
			say_verdict(line, country, value, length);
	}
	return 0;
}
