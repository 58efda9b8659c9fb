# Net::HTTP with a certificate store of its own.
require 'net/http'
http = Net::HTTP.new('localhost', ARGV[0].to_i)
http.use_ssl = true
http.ca_file = ARGV[1]
puts http.get('/').code
