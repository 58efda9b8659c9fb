// As src/plainwire/lab/clients/serial.py, with Java's HttpClient. Its TLS is Java's own: the server's key log opens it.
import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Serial {
    public static void main(String[] arguments) throws Exception {
        String host = arguments[0], port = arguments[1], method = arguments[5];
        int count = Integer.parseInt(arguments[3]), size = Integer.parseInt(arguments[6]);
        Duration timeout = Duration.ofMillis(Math.round(Double.parseDouble(arguments[4]) * 1000));
        HttpClient client = client(arguments[2]);
        int failed = 0;
        for (int number = 1; number <= count; number++) {
            String target = "/container/object-" + number;
            var body = size > 0 ? HttpRequest.BodyPublishers.ofByteArray(new byte[size]) : HttpRequest.BodyPublishers.noBody();
            var request = HttpRequest.newBuilder(URI.create("https://" + host + ":" + port + target))
                    .timeout(timeout).method(method, body).build();
            try {
                var response = client.send(request, HttpResponse.BodyHandlers.discarding());
                if (response.statusCode() != 200) {
                    failed++;
                    System.out.println(method + " " + target + ": " + response.statusCode());
                }
            } catch (java.io.IOException error) {
                failed++;
                System.out.println(method + " " + target + ": " + error);
            }
            if (arguments.length > 7) {
                Thread.sleep(Math.round(Double.parseDouble(arguments[7 + (number - 1) % (arguments.length - 7)]) * 1000));
            }
        }
        System.out.println(count + " requests, " + failed + " failed");
        System.exit(failed > 0 ? 1 : 0);
    }

    static HttpClient client(String authority) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (var file = new FileInputStream(authority)) {
            trusted.setCertificateEntry("lab", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).sslContext(context)
                .connectTimeout(Duration.ofSeconds(10)).build();
    }
}
