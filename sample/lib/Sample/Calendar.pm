package Sample::Calendar;

# Calendar: days by number, for drawing and counting them.
use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(days_of_years);

# All days of the years from first to last as yyyymmdd.
sub days_of_years
{
	my ($first, $last) = @_;
	my @days;
	for my $year ($first .. $last)
	{
		my $leap = $year % 4 == 0 && ($year % 100 != 0 || $year % 400 == 0);
		my @length = (31, 28 + $leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31);
		for my $month (1 .. 12)
		{
			push @days, map { sprintf '%04d%02d%02d', $year, $month, $_ } 1 .. $length[ $month - 1 ];
		}
	}
	return @days;
}

1;
