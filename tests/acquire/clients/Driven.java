// The same as driven.py, in Java.
import java.io.*;
import java.security.cert.X509Certificate;
import javax.net.ssl.*;

public class Driven {
    public static void main(String[] arguments) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new X509TrustManager() {
            public void checkClientTrusted(X509Certificate[] chain, String type) {}
            public void checkServerTrusted(X509Certificate[] chain, String type) {}
            public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
        }}, null);
        SSLSocket connection = null;
        BufferedReader words = new BufferedReader(new InputStreamReader(System.in));
        System.out.println("ready");
        for (String word; (word = words.readLine()) != null;) {
            if (word.equals("new")) {
                if (connection != null) connection.close();
                connection = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", Integer.parseInt(arguments[0]));
            }
            connection.getOutputStream().write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes());
            StringBuilder answer = new StringBuilder();
            while (!answer.toString().endsWith("hello\n")) {
                answer.append((char) connection.getInputStream().read());
            }
            System.out.println(answer.toString().split(" ")[1]);
        }
    }
}
