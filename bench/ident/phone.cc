// phone: libphonenumber asked as a peer; a bench program, no part of the product.
//
// Each line of standard input is REGION <tab> VALUE.
// phone judge: each line of output is 1 or 0 <tab> E.164 <tab> extension.
// phone time:  judges all values five times and prints the nanoseconds a value of the
//              fastest turn; the first time, which compiles patterns, does not count.
#include <phonenumbers/phonenumberutil.h>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

static bool
judge(const PhoneNumberUtil &util, const std::string &region, const std::string &value, PhoneNumber *number)
{
	return util.Parse(value, region, number) == PhoneNumberUtil::NO_PARSING_ERROR && util.IsValidNumber(*number);
}

int
main(int argc, char **argv)
{
	const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
	const bool timing = argc > 1 && std::string(argv[1]) == "time";
	std::vector<std::pair<std::string, std::string>> asked;
	std::string line;
	size_t valid = 0;

	while (std::getline(std::cin, line))
	{
		size_t tab = line.find('\t');

		asked.emplace_back(line.substr(0, tab), line.substr(tab + 1));
	}
	if (!timing)
	{
		for (const auto &question : asked)
		{
			PhoneNumber number;
			std::string e164;
			bool good = judge(util, question.first, question.second, &number);

			if (good)
				util.Format(number, PhoneNumberUtil::E164, &e164);
			std::cout << good << '\t' << e164 << '\t' << number.extension() << '\n';
		}
		return 0;
	}

	// The first calls compile the patterns that the library then keeps.
	for (const auto &question : asked)
	{
		PhoneNumber number;

		valid += judge(util, question.first, question.second, &number);
	}
	if (valid != asked.size())
	{
		std::cerr << "phone: " << asked.size() - valid << " values of the sample are not valid\n";
		return 1;
	}
	double best = 0;
	for (int turn = 0; turn < 5; turn++)
	{
		auto began = std::chrono::steady_clock::now();

		for (const auto &question : asked)
		{
			PhoneNumber number;

			judge(util, question.first, question.second, &number);
		}
		std::chrono::duration<double, std::nano> passed = std::chrono::steady_clock::now() - began;

		if (turn == 0 || passed.count() < best)
			best = passed.count();
	}
	std::cout << best / asked.size() << '\n';
	return 0;
}
