/* replay FILE...: give each file to the harness once; the sanitizers judge. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
	{
		FILE	   *in = fopen(argv[i], "rb");
		uint8_t    *data = malloc(1 << 20);
		size_t		size;

		if (in == NULL || data == NULL)
			return 1;
		size = fread(data, 1, 1 << 20, in);
		fclose(in);
		/* exactly as long as the input, so that reading past it is seen */
		data = realloc(data, size ? size : 1);
		LLVMFuzzerTestOneInput(data, size);
		free(data);
	}
	return 0;
}
