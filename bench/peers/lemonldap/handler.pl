# What Debian's llng-fastcgi-server runs for nginx, without its refusal to be root. Arguments: the socket, how many processes.
use strict;
use warnings;
use Plack::Handler::FCGI;
use Lemonldap::NG::Handler::Server::Nginx;

my ( $socket, $processes ) = @ARGV;
my $app = Lemonldap::NG::Handler::Server::Nginx->run( {} );
Plack::Handler::FCGI->new( listen => [$socket], nproc => $processes )->run($app);
