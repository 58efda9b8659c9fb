import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Two requests, each by another client of the Java library: arguments are the port and what to trust. */
public class InJava {
    public static void main(String[] arguments) throws Exception {
        URI address = URI.create("https://localhost:" + arguments[0] + "/");
        SSLContext context = trusting(Path.of(arguments[1]));
        HttpsURLConnection connection = (HttpsURLConnection) address.toURL().openConnection();
        connection.setSSLSocketFactory(context.getSocketFactory());
        connection.setRequestProperty("Connection", "close");
        System.out.println(connection.getResponseCode());
        try (InputStream body = connection.getInputStream()) {
            body.readAllBytes();
        }
        HttpClient client = HttpClient.newBuilder().sslContext(context).build();
        HttpResponse<String> answer =
                client.send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.statusCode());
        System.out.println(System.getenv().keySet().stream().filter(name -> name.endsWith("_OPTIONS")).toList());
        System.out.println(java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments());
    }

    private static SSLContext trusting(Path certificate) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream file = Files.newInputStream(certificate)) {
            Certificate read = CertificateFactory.getInstance("X.509").generateCertificate(file);
            store.setCertificateEntry("server", read);
        }
        TrustManagerFactory managers =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context;
    }
}
