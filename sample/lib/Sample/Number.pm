package Sample::Number;

# Number: check digits and ways of writing of identity, credit, card and phone
# numbers.
use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(resident_check uscc_check organization_check luhn_check
	uscc_letters full_width grouped);

# GB 32100 leaves out I, O, S, V and Z.
my @USCC_LETTERS = split //, '0123456789ABCDEFGHJKLMNPQRTUWXY';
my %USCC_VALUE   = map { $USCC_LETTERS[$_] => $_ } 0 .. $#USCC_LETTERS;
my @USCC_WEIGHTS = map { 3**$_ % 31 } 0 .. 16;

my @RESIDENT_WEIGHTS     = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2);
my @ORGANIZATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2);

my %FULL_WIDTH = map { chr($_) => pack('C3', 0xef, 0xbc, $_ + 0x60) } 0x30 .. 0x39, 0x41 .. 0x5a;

sub uscc_letters { return \@USCC_LETTERS }

# The eighteenth character of a resident identity number (GB 11643).
sub resident_check
{
	my ($body) = @_;
	my ($sum, $i) = (0, 0);
	$sum += $_ * $RESIDENT_WEIGHTS[ $i++ ] for split //, $body;
	return substr '10X98765432', $sum % 11, 1;
}

# The ninth character of an organization code (GB 11714).
sub organization_check
{
	my ($body) = @_;
	my ($sum, $i) = (0, 0);
	$sum += (/\d/ ? $_ : ord($_) - 55) * $ORGANIZATION_WEIGHTS[ $i++ ] for split //, $body;
	return substr '0X987654321', $sum % 11, 1;
}

# The eighteenth character of a unified social credit code (GB 32100).
sub uscc_check
{
	my ($body) = @_;
	my ($sum, $i) = (0, 0);
	$sum += $USCC_VALUE{$_} * $USCC_WEIGHTS[ $i++ ] for split //, $body;
	return $USCC_LETTERS[ (31 - $sum % 31) % 31 ];
}

# The last digit of a bank card (ISO/IEC 7812-1, Luhn).
sub luhn_check
{
	my ($body) = @_;
	my ($sum, $double) = (0, 1);
	for my $digit (reverse split //, $body)
	{
		my $value = $digit * (1 + $double);
		$sum += $value > 9 ? $value - 9 : $value;
		$double = !$double;
	}
	return (10 - $sum % 10) % 10;
}

# Digits and capital letters as East Asian keyboards type them.
sub full_width
{
	my ($text) = @_;
	$text =~ s/([0-9A-Z])/$FULL_WIDTH{$1}/g;
	return $text;
}

# The text cut into groups of the given lengths.
sub grouped
{
	my ($separator, $text, @lengths) = @_;
	return join $separator, unpack join(' ', map { "a$_" } @lengths), $text;
}

1;
