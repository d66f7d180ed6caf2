package Sample::Csv;

# Csv: one record of RFC 4180, lines ended by LF as everywhere on Unix.
use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(csv_line);

sub quoted
{
	my ($field) = @_;
	return $field unless $field =~ /[",\r\n]/;
	$field =~ s/"/""/g;
	return qq("$field");
}

# Most records need no quotes, so the fields are looked at one by one only
# when the joined line shows that one does.
sub csv_line
{
	my $line = join ',', @_;
	return "$line\n" if $line =~ tr/,// == $#_ && $line !~ /["\r\n]/;
	return join(',', map { quoted($_) } @_) . "\n";
}

1;
